"""The build itself, by the classes that PyInstaller offers to spec files."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

from PyInstaller.building.api import COLLECT, EXE, PYZ
from PyInstaller.building.build_main import Analysis

from .base_library import sort_entries
from .distributions import foreign_packages, metadata_of_contents
from .entry_point import call_script, module_script, module_to_run
from .job import FOLDER, JOB_FILE, Job


def assemble() -> None:
    """Make the binary of the job in the sandbox; called by the spec file.

    Raises FreezingError when the entry point does not exist.
    """
    job = Job.from_json(Path(JOB_FILE).read_text(encoding="utf-8"))
    analysis = _analyse(job)
    pyz = PYZ(analysis.pure)
    settings = {"name": job.name, "strip": job.strip, "upx": False}
    if job.mode == "onefile":
        EXE(pyz, analysis.scripts, analysis.binaries, analysis.datas, **settings)
        return
    program = EXE(pyz, analysis.scripts, exclude_binaries=True, **settings)
    COLLECT(program, analysis.binaries, analysis.datas, **settings)


def _analyse(job: Job) -> Analysis:
    """Find what goes into the binary, and add the metadata of that."""
    roots = [str(Path(root).absolute()) for root in job.source_roots]
    script, imports = _write_script(job, [*roots, *sys.path])
    installed = list(distributions())
    analysis = Analysis(
        [script],
        pathex=roots,
        datas=_placed_resources(job),
        hiddenimports=[*imports, *job.hidden_imports],
        excludes=[*job.excluded_imports, *foreign_packages(job.distributions, installed)],
    )
    for name, path, _ in analysis.datas:
        if name == "base_library.zip":
            sort_entries(Path(path))
    entries = [*analysis.scripts, *analysis.pure, *analysis.binaries, *analysis.datas]
    metadata = metadata_of_contents((path for _, path, _ in entries), installed)
    analysis.datas = sorted({*analysis.datas, *((name, path, "DATA") for name, path in metadata)})
    return analysis


def _write_script(job: Job, path: list[str]) -> tuple[str, list[str]]:
    """Write the script that the binary starts with; return it and the imports it does not show."""
    if job.function is None:
        imports = [job.module, module_to_run(job.module, path)]
        text = module_script(job.module)
    else:
        imports = []
        text = call_script(job.module, job.function, path)
    # The program shows this name when it ends by an exception. PyInstaller takes the script for a
    # module too, so the name alone would hide a package of the same name.
    script = Path(FOLDER, "script", f"start_{job.name}.py")
    script.parent.mkdir(parents=True)
    script.write_text(text, encoding="utf-8")
    return str(script.absolute()), imports


def _placed_resources(job: Job) -> list[tuple[str, str]]:
    """Return (file, folder in the binary) of each, as `--add-data` takes them."""
    # Of nested roots the inner one counts.
    roots = sorted((Path(root) for root in job.source_roots), key=lambda root: -len(root.parts))
    placed = []
    for resource in map(Path, job.resources):
        root = next(root for root in roots if root in resource.parents)
        placed.append((str(resource.absolute()), str(resource.parent.relative_to(root))))
    return placed
