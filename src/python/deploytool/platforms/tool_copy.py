"""A copy of this tool at the target: the sandbox that it was started from goes away."""

import shutil
import sys
from pathlib import Path

from deploytool.platforms.files import disk
from deploytool.system.revision import digest_of

_DIGITS = 16


def keep_tool(folder: Path, tool: Path) -> Path:
    """Keep the tool by its content, in place of an older one. Raises PlatformFailed."""
    with disk("copying", tool):
        place = folder / f"{digest_of(tool)[:_DIGITS]}.pex"
        if not place.exists():
            temporary = place.with_name(f".{place.name}.tmp")
            shutil.copyfile(tool, temporary)
            temporary.replace(place)
        for other in folder.glob("*.pex"):
            if other != place:
                other.unlink()
    return place


def python() -> str:
    """Return the interpreter below this tool's own environment: it runs other packages, too."""
    return str(Path(sys.executable).resolve())
