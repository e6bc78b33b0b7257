"""The rules of `pyinstaller_binary`: how it is packaged, and what `run` starts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Iterable

from pants.backend.python.target_types import ResolvedPexEntryPoint, ResolvePexEntryPointRequest
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
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFiles,
    PythonSourceFilesRequest,
)
from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    FileContent,
    MergeDigests,
    RemovePrefix,
)
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.engine.unions import UnionRule

from pyinstaller.binutils import BuildPrograms, BuildProgramsRequest
from pyinstaller.freezing.job import (  # pants: no-infer-dep (other resolve)
    DIST_FOLDER,
    FOLDER,
    JOB_FILE,
    Job,
)
from pyinstaller.subsystem import PyInstaller
from pyinstaller.target_types import (
    PyInstallerEntryPointField,
    PyInstallerExcludedImportsField,
    PyInstallerHiddenImportsField,
    PyInstallerMode,
    PyInstallerModeField,
    PyInstallerStripField,
)

# What runs in the sandbox, where this plugin cannot be imported.
FREEZING = {
    f"{FOLDER}/{path.name}": path.read_bytes()
    for path in sorted((Path(__file__).parent / "freezing").glob("*.py"))
}
# The first moment that zip files can tell; any constant would do.
SOURCE_DATE_EPOCH = "315532800"


@dataclass(frozen=True)
class PyInstallerFieldSet(PackageFieldSet, RunFieldSet):
    """What `package` and `run` need of a binary."""

    required_fields = (PyInstallerEntryPointField,)
    run_in_sandbox_behavior = RunInSandboxBehavior.RUN_REQUEST_HERMETIC

    entry_point: PyInstallerEntryPointField
    excluded_imports: PyInstallerExcludedImportsField
    hidden_imports: PyInstallerHiddenImportsField
    mode: PyInstallerModeField
    output_path: OutputPathField
    strip: PyInstallerStripField

    def package_path(self) -> str:
        """Return where the folder, or the file of `onefile`, stands below dist."""
        return self.output_path.value_or_default(file_ending=None)

    def program_path(self) -> str:
        """Return where the program itself stands below dist."""
        package = self.package_path()
        if self.mode.value == PyInstallerMode.ONEFILE.value:
            return package
        return f"{package}/{PurePath(package).name}"


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


@rule(desc="Package with PyInstaller")
async def package(field_set: PyInstallerFieldSet) -> BuiltPackage:
    """Run PyInstaller over the sources and resources that the target depends on."""
    entry_point, closure, environment, programs = await MultiGet(
        Get(ResolvedPexEntryPoint, ResolvePexEntryPointRequest(field_set.entry_point)),
        Get(TransitiveTargets, TransitiveTargetsRequest([field_set.address])),
        Get(FreezingEnvironment, EnvironmentRequest(field_set.address)),
        Get(BuildPrograms, BuildProgramsRequest()),
    )
    assert entry_point.val is not None  # a required field
    sources = await Get(PythonSourceFiles, PythonSourceFilesRequest(closure.closure))
    path = PurePath(field_set.package_path())
    job = Job(
        name=path.name,
        mode=field_set.mode.value,
        module=entry_point.val.module,
        function=entry_point.val.function,
        excluded_imports=list(field_set.excluded_imports.value or ()),
        hidden_imports=list(field_set.hidden_imports.value or ()),
        strip=field_set.strip.value,
        source_roots=list(sources.source_roots),
        resources=[
            name for name in sources.source_files.files if not name.endswith((".py", ".pyi"))
        ],
        distributions=list(environment.distributions),
    )
    scripts = await Get(
        Digest,
        CreateDigest(
            [
                FileContent(JOB_FILE, job.to_json().encode()),
                *(FileContent(name, content) for name, content in FREEZING.items()),
            ]
        ),
    )
    digest = await Get(Digest, MergeDigests([scripts, sources.source_files.snapshot.digest]))
    process = await Get(
        Process,
        VenvPexProcess(
            environment.venv,
            description=f"Package {field_set.address} with PyInstaller",
            input_digest=digest,
            output_directories=[DIST_FOLDER],
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
            argv=(environment.venv.python.argv0, "-m", FOLDER),
            immutable_input_digests=programs.shims.immutable_input_digests,
        ),
    )
    built = await Get(Digest, RemovePrefix(result.output_digest, DIST_FOLDER))
    placed = await Get(Digest, AddPrefix(built, str(path.parent)))
    return BuiltPackage(placed, (BuiltPackageArtifact(str(path)),))


@rule
async def run(field_set: PyInstallerFieldSet) -> RunRequest:
    """Start the packaged program, not its sources: what is tried is what is shipped."""
    built = await Get(BuiltPackage, PackageFieldSet, field_set)
    return RunRequest(digest=built.digest, args=[f"{{chroot}}/{field_set.program_path()}"])


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [
        *collect_rules(),
        *pex_from_targets.rules(),
        *PyInstallerFieldSet.rules(),
        UnionRule(PackageFieldSet, PyInstallerFieldSet),
    ]
