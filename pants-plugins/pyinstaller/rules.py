"""The rules of `pyinstaller_binary`: how it is packaged, and what `run` starts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import PurePath
from typing import Iterable

from pants.backend.python.target_types import ResolvedPexEntryPoint, ResolvePexEntryPointRequest
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
from pants.engine.fs import AddPrefix, Digest, DigestSubset, MergeDigests, PathGlobs, RemovePrefix
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.engine.unions import UnionRule

from pyinstaller.binutils import BuildPrograms, BuildProgramsRequest
from pyinstaller.freezing.job import (
    DIST_FOLDER,  # pants: no-infer-dep (other resolve)
    PREPARED,  # pants: no-infer-dep
    SOURCES,  # pants: no-infer-dep
    Job,  # pants: no-infer-dep
)
from pyinstaller.sandbox import EnvironmentRequest, FreezingEnvironment, Step
from pyinstaller.target_types import (
    PyInstallerEntryPointField,
    PyInstallerExcludedImportsField,
    PyInstallerHiddenImportsField,
    PyInstallerMode,
    PyInstallerModeField,
    PyInstallerStripField,
)


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
class PreparedRequest:
    """Asks for the first step."""

    field_set: PyInstallerFieldSet


@dataclass(frozen=True)
class Prepared:
    """What PyInstaller gets of the sources, and what the binary holds of them.

    `job`: as text, of the second step.
    """

    job: str
    outlined: Digest
    compiled: Digest


@rule
async def prepare(request: PreparedRequest) -> Prepared:
    """Compile the sources and resources that the target depends on."""
    field_set = request.field_set
    # What the machine lacks is said before anything long is begun.
    await Get(BuildPrograms, BuildProgramsRequest())
    entry_point, closure, environment = await MultiGet(
        Get(ResolvedPexEntryPoint, ResolvePexEntryPointRequest(field_set.entry_point)),
        Get(TransitiveTargets, TransitiveTargetsRequest([field_set.address])),
        Get(FreezingEnvironment, EnvironmentRequest(field_set.address)),
    )
    assert entry_point.val is not None  # a required field
    sources = await Get(PythonSourceFiles, PythonSourceFilesRequest(closure.closure))
    job = Job(
        name=PurePath(field_set.package_path()).name,
        mode=field_set.mode.value,
        module=entry_point.val.module,
        function=entry_point.val.function,
        excluded_imports=list(field_set.excluded_imports.value or ()),
        hidden_imports=list(field_set.hidden_imports.value or ()),
        strip=field_set.strip.value,
        source_roots=list(sources.source_roots),
        files=list(sources.source_files.files),
        distributions=list(environment.distributions),
    )
    files = sources.source_files.snapshot.digest
    step = Step(field_set.address, "prepare", job.to_json(), files, (PREPARED, SOURCES))
    made = await Get(Digest, Step, step)
    outlined, compiled = await MultiGet(
        Get(Digest, DigestSubset(made, PathGlobs([f"{folder}/**"])))
        for folder in (PREPARED, SOURCES)
    )
    # Of sources that come and go the second step sees the outlines.
    rest = dataclasses.replace(job, source_roots=[], files=[])
    return Prepared(rest.to_json(), outlined, compiled)


@rule(desc="Package with PyInstaller")
async def package(field_set: PyInstallerFieldSet) -> BuiltPackage:
    """Run PyInstaller, and put the sources beside what it makes, or into it."""
    path = PurePath(field_set.package_path())
    prepared = await Get(Prepared, PreparedRequest(field_set))
    files, beside = prepared.outlined, ()
    if field_set.mode.value == PyInstallerMode.ONEFILE.value:
        files = await Get(Digest, MergeDigests([prepared.outlined, prepared.compiled]))
    else:
        sources = await Get(Digest, RemovePrefix(prepared.compiled, SOURCES))
        beside = (await Get(Digest, AddPrefix(sources, f"{path.name}/sources")),)
    built = await Get(
        Digest, Step, Step(field_set.address, "build", prepared.job, files, (DIST_FOLDER,))
    )
    program = await Get(Digest, RemovePrefix(built, DIST_FOLDER))
    whole = await Get(Digest, MergeDigests([program, *beside]))
    digest = await Get(Digest, AddPrefix(whole, str(path.parent)))
    return BuiltPackage(digest, (BuiltPackageArtifact(str(path)),))


@rule
async def run(field_set: PyInstallerFieldSet) -> RunRequest:
    """Start the packaged program, not its sources: what is tried is what is shipped."""
    built = await Get(BuiltPackage, PackageFieldSet, field_set)
    return RunRequest(digest=built.digest, args=[f"{{chroot}}/{field_set.program_path()}"])


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [
        *collect_rules(),
        *PyInstallerFieldSet.rules(),
        UnionRule(PackageFieldSet, PyInstallerFieldSet),
    ]
