"""Runs the steps of `freezing`, beside PyInstaller and what the application requires."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

from pants.backend.python.util_rules import pex_from_targets
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import (
    Pex,
    PexRequest,
    PexResolveInfo,
    VenvPex,
    VenvPexProcess,
)
from pants.backend.python.util_rules.pex_from_targets import (
    InterpreterConstraintsRequest,
    PexFromTargetsRequest,
)
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule

from pyinstaller.binutils import BuildPrograms, BuildProgramsRequest
from pyinstaller.freezing.job import FOLDER, JOB_FILE  # pants: no-infer-dep (other resolve)
from pyinstaller.subsystem import PyInstaller

# What runs in the sandbox, where this plugin cannot be imported.
FREEZING = {
    f"{FOLDER}/{path.name}": path.read_bytes()
    for path in sorted((Path(__file__).parent / "freezing").glob("*.py"))
}
# The first moment that zip files can tell; any constant would do.
SOURCE_DATE_EPOCH = "315532800"
DESCRIPTIONS = {
    "prepare": "Compile the sources of {}",
    "build": "Package what {} imports with PyInstaller",
}


@dataclass(frozen=True)
class EnvironmentRequest:
    """Asks for PyInstaller and the requirements of a target."""

    address: Address


@dataclass(frozen=True)
class FreezingEnvironment:
    """Both in one virtual environment; `distributions` are the names of the requirements alone."""

    venv: VenvPex
    distributions: tuple[str, ...]


@rule
async def make_environment(
    request: EnvironmentRequest, pyinstaller: PyInstaller
) -> FreezingEnvironment:
    """Install PyInstaller beside what the target imports, on the Python that is to be packaged."""
    addresses = (request.address,)
    constraints = await Get(InterpreterConstraints, InterpreterConstraintsRequest(addresses))
    tool, requirements = await MultiGet(
        Get(Pex, PexRequest, pyinstaller.pex_request(constraints)),
        # Not internal_only: that may stand for the whole lock instead of what the target imports.
        Get(
            Pex,
            PexFromTargetsRequest(
                addresses,
                output_filename="requirements.pex",
                internal_only=False,
                include_source_files=False,
            ),
        ),
    )
    venv, installed = await MultiGet(
        Get(
            VenvPex,
            PexRequest(
                output_filename="freezing.pex",
                internal_only=True,
                interpreter_constraints=constraints,
                pex_path=[requirements, tool],
            ),
        ),
        Get(PexResolveInfo, Pex, requirements),
    )
    return FreezingEnvironment(venv, tuple(found.project_name for found in installed))


@dataclass(frozen=True)
class Step:
    """Asks for the folders that one step makes of a job and the files that it needs.

    `name`: prepare or build. `job`: as text.
    """

    address: Address
    name: str
    job: str
    files: Digest
    folders: tuple[str, ...]


@rule
async def take_step(step: Step) -> Digest:
    """Run it in the sandbox."""
    environment, programs, scripts = await MultiGet(
        Get(FreezingEnvironment, EnvironmentRequest(step.address)),
        Get(BuildPrograms, BuildProgramsRequest()),
        Get(
            Digest,
            CreateDigest(
                [
                    FileContent(JOB_FILE, step.job.encode()),
                    *(FileContent(name, content) for name, content in FREEZING.items()),
                ]
            ),
        ),
    )
    digest = await Get(Digest, MergeDigests([scripts, step.files]))
    process = await Get(
        Process,
        VenvPexProcess(
            environment.venv,
            description=DESCRIPTIONS[step.name].format(step.address),
            input_digest=digest,
            output_directories=step.folders,
            extra_env={
                "BINUTILS_VERSIONS": programs.versions,
                "LANG": "C.UTF-8",
                "PATH": programs.shims.path_component,
                # The order of sets, which else differs from build to build.
                "PYTHONHASHSEED": "0",
                "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH,
            },
        ),
    )
    result = await Get(
        ProcessResult,
        Process,
        dataclasses.replace(
            process,
            # The `pex` script, which VenvPexProcess starts, removes PYTHONHASHSEED.
            argv=(environment.venv.python.argv0, "-m", FOLDER, step.name),
            immutable_input_digests=programs.shims.immutable_input_digests,
        ),
    )
    return result.output_digest


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and those that they need."""
    return [*collect_rules(), *pex_from_targets.rules()]
