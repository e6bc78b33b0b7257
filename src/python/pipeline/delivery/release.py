"""`.ci/release REGISTRY [FOLDER]`: build once, push by digest, sign, and write the release.

The folder (dist/release) then holds the release file, its signature, and the tool that deploys it.
SIGNING_KEY in the environment holds a private key of cosign (COSIGN_PASSWORD its password); in a
job of GitHub that may ask for a token of its identity none is needed. Without both nothing is
signed, and that is said.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.delivery.errors import StepFailed
from pipeline.delivery.tool import KUBECTL, TOOL
from pipeline.summary import show, table

# Its images are those of every target that runs containers.
_TARGET = "compose"
# Package -> its name beside the release file.
_PROGRAMS = {
    "src/python/deploytool:binary": ("src.python.deploytool/binary.pex", TOOL),
    "3rdparty/python:kubectl": ("3rdparty.python/kubectl.pex", KUBECTL),
}


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    registry, *others = sys.argv[1:]
    # Names of owners and repositories may have capitals, those of images have none.
    registry = registry.lower()
    folder = Path(others[0] if others else "dist/release")
    try:
        release(registry, folder)
    except StepFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return failed.exit_code
    written = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    show(told(written, is_signed=(folder / "release.json.bundle").is_file()))
    return 0


def release(registry: str, folder: Path) -> None:
    """Fill the folder. Raises StepFailed, with the exit code of the command that failed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _signing() as signing:
        _pants("package", *_PROGRAMS)
        _pants(
            *("run", "deploytool", "--", "--target", _TARGET, "push", registry),
            *(f"--file={folder / 'release.json'}", *signing),
        )
    for source, name in _PROGRAMS.values():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(Path("dist") / source, folder / name)


@contextmanager
def _signing() -> Iterator[Sequence[str]]:
    """Yield by what `push` signs: a key of the environment, or the identity of the job."""
    key = os.environ.get("SIGNING_KEY")
    if not key:
        is_identified = bool(os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"))
        if not is_identified:
            sys.stderr.write("note: nothing is signed: SIGNING_KEY is not set\n")
        yield ("--keyless",) if is_identified else ()
        return
    # A file, as its words belong into no argument; readable by this user alone.
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "cosign.key"
        file.touch(mode=0o600)
        file.write_text(key, encoding="utf-8")
        yield (f"--key={file}",)


def _pants(*arguments: str) -> None:
    # The key is handed over as a file.
    environment = {name: text for name, text in os.environ.items() if name != "SIGNING_KEY"}
    done = subprocess.run(["./pants", *arguments], env=environment, check=False)
    if done.returncode:
        raise StepFailed(
            f"`./pants {' '.join(arguments[:2])}` failed",
            why=f"it ended with exit code {done.returncode}",
            hint="its own words stand above",
            exit_code=done.returncode,
        )


def told(written: Mapping[str, Any], *, is_signed: bool) -> str:
    """Return what is in a release, as Markdown."""
    rows = [
        (name, f"`{each['image']}`", f"`{each['tag']}`", "yes" if each.get("sbom") else "no")
        for name, each in written["images"].items()
    ]
    signed = "signed" if is_signed else "**not signed**"
    return "\n\n".join(
        (
            f"## Release of {written['system']}, commit {written.get('commit', '?')[:12]}",
            f"It is {signed}. These digests are what is deployed, on every target.",
            table(("image", "digest", "content tag", "SBOM"), rows),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
