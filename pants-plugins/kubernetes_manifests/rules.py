"""Checks folders of Kubernetes manifests in the goal lint, by the repository's own deploy tool."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.target_types import (
    PexEntryPointField,
    ResolvedPexEntryPoint,
    ResolvePexEntryPointRequest,
)
from pants.backend.python.util_rules import pex, pex_from_targets
from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFiles,
    PythonSourceFilesRequest,
)
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.target_types import FileSourceField
from pants.core.util_rules.partitions import PartitionerType
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.addresses import Addresses, UnparsedAddressInputs
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import (
    FieldSet,
    GeneratedSources,
    GenerateSourcesRequest,
    SourcesField,
    TransitiveTargets,
    TransitiveTargetsRequest,
    WrappedTarget,
    WrappedTargetRequest,
)
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.strutil import pluralize

from kubernetes_manifests.subsystem import DeploytoolValidate
from kubernetes_manifests.target_types import KubernetesManifestsSourcesField


@dataclass(frozen=True)
class ManifestsFieldSet(FieldSet):
    """What the check needs of a folder of manifests."""

    required_fields = (KubernetesManifestsSourcesField,)

    sources: KubernetesManifestsSourcesField


class ManifestsLint(LintTargetsRequest):
    """`deploytool validate`."""

    field_set_type = ManifestsFieldSet
    tool_subsystem = DeploytoolValidate
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION


class ManifestsAsFiles(GenerateSourcesRequest):
    """Manifests serve whatever depends on them as files, as they are."""

    input = KubernetesManifestsSourcesField
    output = FileSourceField
    exportable = False


@rule
async def manifests_as_files(request: ManifestsAsFiles) -> GeneratedSources:
    """Return the files."""
    return GeneratedSources(request.protocol_sources)


@dataclass(frozen=True)
class Validator:
    """What checks: the libraries of the tool, and beside them its sources and kubectl as files."""

    libraries: VenvPex
    files: Digest
    environment: FrozenDict[str, str]


_FOLDER = "kubectl-in-path"


@rule(desc="Prepare the check of Kubernetes manifests")
async def prepare_validator(settings: DeploytoolValidate) -> Validator:
    """Put together what the tool runs from, without packaging it, and kubectl."""
    (address,) = await Get(Addresses, UnparsedAddressInputs, settings.tool_address())
    origin = "the option [deploytool-validate].tool"
    wrapped = await Get(WrappedTarget, WrappedTargetRequest(address, description_of_origin=origin))
    entry_point, transitive = await MultiGet(
        Get(ResolvedPexEntryPoint, ResolvePexEntryPointRequest(wrapped.target[PexEntryPointField])),
        Get(TransitiveTargets, TransitiveTargetsRequest([address])),
    )
    # The sources stay outside, so that an edit of them builds nothing.
    request, sources = await MultiGet(
        Get(
            PexRequest,
            PexFromTargetsRequest(
                [address],
                output_filename="libraries.pex",
                internal_only=True,
                include_source_files=False,
                main=entry_point.val,
            ),
        ),
        Get(PythonSourceFiles, PythonSourceFilesRequest(transitive.closure)),
    )
    libraries, kubectl = await MultiGet(
        Get(VenvPex, PexRequest, request),
        Get(VenvPex, PexRequest, settings.kubectl_request()),
    )
    # What starts a program of a package has the name of the package.
    script = f'#!/bin/sh\nexec "${{0%/*}}/../{kubectl.pex.argv0}" "$@"\n'
    program = FileContent(f"{_FOLDER}/kubectl", script.encode(), is_executable=True)
    named = await Get(Digest, CreateDigest([program]))
    files = (sources.source_files.snapshot.digest, kubectl.digest, named)
    environment = {
        "PATH": f"{{chroot}}/{_FOLDER}:/usr/bin:/bin",
        "PEX_EXTRA_SYS_PATH": os.pathsep.join(sources.source_roots),
    }
    return Validator(libraries, await Get(Digest, MergeDigests(files)), FrozenDict(environment))


@rule(desc="Check Kubernetes manifests")
async def lint(request: ManifestsLint.Batch[ManifestsFieldSet, Any]) -> LintResult:
    """Report what is wrong with the manifests."""
    addresses = [field_set.address for field_set in request.elements]
    validator, transitive = await MultiGet(
        Get(Validator),
        Get(TransitiveTargets, TransitiveTargetsRequest(addresses)),
    )
    files = await Get(
        SourceFiles,
        SourceFilesRequest(
            (target.get(SourcesField) for target in transitive.closure),
            for_sources_types=(FileSourceField,),
            enable_codegen=True,
        ),
    )
    digest = await Get(Digest, MergeDigests([files.snapshot.digest, validator.files]))
    folders = sorted(address.spec_path for address in addresses)
    result = await Get(
        FallibleProcessResult,
        VenvPexProcess(
            validator.libraries,
            argv=("validate", *folders),
            input_digest=digest,
            extra_env=validator.environment,
            description=f"deploytool validate on {pluralize(len(folders), 'folder')}",
        ),
    )
    return LintResult.create(request, result, strip_chroot_path=True)


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [
        *collect_rules(),
        *ManifestsLint.rules(),
        *pex.rules(),
        *pex_from_targets.rules(),
        UnionRule(GenerateSourcesRequest, ManifestsAsFiles),
    ]
