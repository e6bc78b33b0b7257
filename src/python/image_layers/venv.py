"""Virtual environments from PEX files."""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Debian's name of it; the links to it belong to a package of programs that a build does not need.
STRIP = "x86_64-linux-gnu-strip"


def unpack(pex: Path, folder: Path, scope: str) -> None:
    """Make a virtual environment of the requirements (deps), the sources (srcs), or all of a PEX.

    Raises CalledProcessError when a program fails.
    """
    _make(pex, folder, scope)
    for path in folder.glob("lib/*/site-packages/PEX_EXTRA_SYS_PATH.pth"):
        path.unlink()  # a variable that lets others put code in the service's way
    if scope == "srcs":
        _leave_packages(folder)
    for record in folder.glob("lib/*/site-packages/*.dist-info/RECORD"):
        _forget_compiled(record)
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    libraries = [str(path) for path in folder.rglob("*.so*") if path.is_file()]
    if libraries:
        # Symbols for debuggers are most of some libraries.
        subprocess.run([STRIP, "--strip-unneeded", *libraries], check=True)
    # Nobody edits the files of an image: comparing times would only cost each start.
    compileall.compile_dir(
        folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def take_program(pex: Path, name: str, folder: Path) -> None:
    """Copy a program that a requirement of the PEX brings. Raises CalledProcessError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        _make(pex, Path(place) / "venv", "deps")
        shutil.copy(Path(place) / "venv/bin" / name, folder / name)


def _make(pex: Path, folder: Path, scope: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(
            [sys.executable, str(pex), "venv", f"--scope={scope}", str(folder)],
            env={"PEX_TOOLS": "1", "PEX_ROOT": place, "PATH": os.defpath, "HOME": place},
            check=True,
        )


def _leave_packages(folder: Path) -> None:
    """Delete what the environment of the requirements has as well: interpreter and scripts."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != "lib":
                shutil.rmtree(path)
        else:
            path.unlink()


def _forget_compiled(record: Path) -> None:
    """Take out what PEX lists where the same wheel was run from its cache, and put it in order."""
    lines = record.read_text(encoding="utf-8").splitlines()
    kept = sorted(line for line in lines if "__pycache__/" not in line)
    record.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
