"""The second step: PyInstaller, started as it is by people."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PyInstaller.__main__ import run  # pants: no-infer-dep (other resolve)
from PyInstaller.exceptions import PythonLibraryNotFoundError  # pants: no-infer-dep

from .assembly import assemble  # pants: no-infer-dep
from .errors import FreezingError  # pants: no-infer-dep
from .job import DIST_FOLDER, FOLDER  # pants: no-infer-dep

# PyInstaller takes its instructions from a file that it executes.
SPEC = f"from {assemble.__module__} import assemble\nassemble()\n"


def build() -> None:
    """Make the binary; raises FreezingError when this Python cannot be packaged."""
    # Cached files of an earlier build would depend on what that was.
    os.environ["PYINSTALLER_CONFIG_DIR"] = str(Path(FOLDER, "cache").absolute())
    spec = Path(FOLDER, "application.spec")
    spec.write_text(SPEC, encoding="utf-8")
    work = ["--workpath", f"{FOLDER}/work", "--distpath", DIST_FOLDER]
    try:
        run([str(spec), *work, "--noconfirm", "--log-level=WARN"])
    except PythonLibraryNotFoundError as error:
        raise FreezingError(
            "this Python cannot be packaged",
            f"{sys.base_prefix} has no shared library of Python (libpython*.so)",
            f"for Debian's own Python: apt-get install libpython3.{sys.version_info.minor}; others "
            "must be built with --enable-shared, as by "
            "PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install ...",
        ) from error
