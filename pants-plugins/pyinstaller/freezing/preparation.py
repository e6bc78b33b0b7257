"""The first step: what to start with, and the application's own files as the binary holds them.

Quick, as it is done again after every edit; the long second step, `assembly`, sees of the sources
only what it writes to OUTLINES, and of that not even the order.
"""

from __future__ import annotations

import py_compile
import shutil
import sys
from pathlib import Path

from .entry_point import call_script, module_script, module_to_run
from .errors import FreezingError
from .imports import outline
from .job import OUTLINES, SOURCES, Job

# The folder of the sources is beside that of the libraries; in a single program, which unpacks
# itself into the latter, inside it.
SEARCH = """\
import os.path
import sys

sys.path.insert(0, os.path.join(sys._MEIPASS, {places}"sources"))
"""


def prepare(job: Job) -> None:
    """Write the job's script, OUTLINES and SOURCES in the sandbox.

    Raises FreezingError when there is no entry point, or a source that is no Python.
    """
    roots = [Path(root) for root in job.source_roots]
    path = [*(str(root.absolute()) for root in roots), *sys.path]
    for folder in (OUTLINES, SOURCES):
        Path(folder).mkdir(parents=True)
    Path(job.script).write_text(_script(job, path), encoding="utf-8")
    for file in map(Path, job.files):
        place = _place(file, roots)
        if file.suffix == ".py":
            _compile(file, place)
        elif file.suffix != ".pyi":
            copy = Path(SOURCES, place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _script(job: Job, path: list[str]) -> str:
    search = SEARCH.format(places="" if job.mode == "onefile" else "os.pardir, ")
    if job.function is not None:
        return search + call_script(job.module, job.function, path)
    module_to_run(job.module, path)  # it must exist
    return search + module_script(job.module)


def _compile(file: Path, place: Path) -> None:
    """Write a source's outline and its code, as of a file that nobody edits."""
    outlined, compiled = Path(OUTLINES, place), Path(SOURCES, place).with_suffix(".pyc")
    for path in (outlined, compiled):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        outlined.write_text(outline(file.read_text(encoding="utf-8"), str(file)), encoding="utf-8")
        py_compile.compile(
            str(file),
            str(compiled),
            dfile=str(place),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (SyntaxError, UnicodeDecodeError, py_compile.PyCompileError) as error:
        raise FreezingError(
            f"{file} cannot be compiled",
            f"Python {sys.version_info.major}.{sys.version_info.minor} says: {error}",
            "correct the file, or leave it out of what this pyinstaller_binary depends on",
        ) from error


def _place(file: Path, roots: list[Path]) -> Path:
    """Return where a file stands below its source root; of nested roots the inner one counts."""
    return file.relative_to(max(set(roots) & set(file.parents), key=lambda root: len(root.parts)))
