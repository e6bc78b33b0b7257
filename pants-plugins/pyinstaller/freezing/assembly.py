"""The build itself, by the classes that PyInstaller offers to spec files."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

from PyInstaller.building.api import COLLECT, EXE, PYZ  # pants: no-infer-dep (other resolve)
from PyInstaller.building.build_main import Analysis  # pants: no-infer-dep

from .base_library import sort_entries  # pants: no-infer-dep
from .distributions import foreign_packages, metadata_of_contents  # pants: no-infer-dep
from .entry_point import module_to_run  # pants: no-infer-dep
from .job import JOB_FILE, OUTLINES, SOURCES, Job  # pants: no-infer-dep


def assemble() -> None:
    """Make the binary of the job in the sandbox; called by the spec file.

    Raises FreezingError when the entry point does not exist.
    """
    job = Job.from_json(Path(JOB_FILE).read_text(encoding="utf-8"))
    analysis = _analyse(job)
    pyz = PYZ(analysis.pure)
    settings = {"name": job.name, "strip": job.strip, "upx": False}
    if job.mode == "onefile":
        EXE(pyz, analysis.scripts, analysis.binaries, analysis.datas, _sources(), **settings)
        return
    program = EXE(pyz, analysis.scripts, exclude_binaries=True, **settings)
    COLLECT(program, analysis.binaries, analysis.datas, **settings)


def _analyse(job: Job) -> Analysis:
    """Find the libraries that go into the binary, and add their metadata."""
    outlines = str(Path(OUTLINES).absolute())
    installed = list(distributions())
    analysis = Analysis(
        [str(Path(job.script).absolute())],
        pathex=[outlines],
        hiddenimports=[*_started_by_name(job, outlines), *job.hidden_imports],
        excludes=[*job.excluded_imports, *foreign_packages(job.distributions, installed)],
    )
    # The outlines have served: the sources themselves are beside the libraries.
    analysis.pure = [entry for entry in analysis.pure if not entry[1].startswith(outlines)]
    for name, path, _ in analysis.datas:
        if name == "base_library.zip":
            sort_entries(Path(path))
    entries = [*analysis.scripts, *analysis.pure, *analysis.binaries, *analysis.datas]
    metadata = metadata_of_contents((path for _, path, _ in entries), installed)
    analysis.datas = sorted({*analysis.datas, *((name, path, "DATA") for name, path in metadata)})
    return analysis


def _started_by_name(job: Job, outlines: str) -> list[str]:
    """Return the modules that the script runs by their names, which PyInstaller does not see."""
    if job.function is not None:
        return []
    return [job.module, module_to_run(job.module, [outlines, *sys.path])]


def _sources() -> list[tuple[str, str, str]]:
    """Return what the first step made of sources and resources, as PyInstaller lists files."""
    files = sorted(path for path in Path(SOURCES).rglob("*") if path.is_file())
    return [
        (str(Path("sources", path.relative_to(SOURCES))), str(path.absolute()), "DATA")
        for path in files
    ]
