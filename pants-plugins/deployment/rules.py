"""The rules of the `deployment` target: its dependencies, and what `run` starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.backend.docker.goals.package_image import DockerPackageFieldSet
from pants.core.goals.package import BuiltPackage, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest, RunSubsystem
from pants.engine.addresses import Addresses, UnparsedAddressInputs
from pants.engine.rules import Get, MultiGet, Rule, _uncacheable_rule, collect_rules, rule
from pants.engine.target import (
    AsyncFieldMixin,
    FieldSet,
    FieldSetsPerTarget,
    FieldSetsPerTargetRequest,
    InferDependenciesRequest,
    InferredDependencies,
    InvalidFieldException,
    Targets,
)
from pants.engine.unions import UnionRule
from pants.option.alias import CliOptions
from pants.util.docutil import bin_name
from pants.util.frozendict import FrozenDict

from deployment.arguments import (
    calling,  # pants: no-infer-dep (other resolve)
    chosen_target,  # pants: no-infer-dep
    environment,  # pants: no-infer-dep
    named_command,  # pants: no-infer-dep
    names_release,  # pants: no-infer-dep
    telling,  # pants: no-infer-dep
)
from deployment.target_types import (
    DeploymentConfigurationField,
    DeploymentDependenciesField,
    DeploymentPackagesField,
    DeploymentProgramsField,
    DeploymentToolField,
)
from docker_images.presence import PresentImages, PresentImagesRequest

# Kept from run to run, below the sandbox of each.
_CACHE = ".cache/deployment"


@dataclass(frozen=True)
class DeploymentFieldSet(RunFieldSet):
    """What `run` needs of a deployment."""

    required_fields = (DeploymentToolField, DeploymentPackagesField)
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED

    tool: DeploymentToolField
    packages: DeploymentPackagesField
    programs: DeploymentProgramsField


@dataclass(frozen=True)
class DeploymentDependenciesFieldSet(FieldSet):
    """What the dependencies of a deployment are inferred from."""

    required_fields = (DeploymentToolField, DeploymentPackagesField, DeploymentDependenciesField)

    tool: DeploymentToolField
    packages: DeploymentPackagesField
    configuration: DeploymentConfigurationField


class InferDeploymentDependencies(InferDependenciesRequest[DeploymentDependenciesFieldSet]):
    """Asks for the dependencies of a deployment."""

    infer_from = DeploymentDependenciesFieldSet


@rule
async def infer_dependencies(request: InferDeploymentDependencies) -> InferredDependencies:
    """Make all that it names dependencies, so that `--changed-dependents` sees them."""
    tool, packages = request.field_set.tool, request.field_set.packages
    configuration = request.field_set.configuration
    places = packages.value or FrozenDict()
    named = [address for place in places.values() for address in place.values()]
    read = [
        address for place in (configuration.value or FrozenDict()).values() for address in place
    ]
    found = await MultiGet(
        Get(Addresses, UnparsedAddressInputs, _addresses(tool, [tool.value])),
        Get(Addresses, UnparsedAddressInputs, _addresses(packages, named)),
        Get(Addresses, UnparsedAddressInputs, _addresses(configuration, read)),
    )
    return InferredDependencies(address for addresses in found for address in addresses)


@dataclass(frozen=True)
class ComponentPackages:
    """Built packages by component name."""

    built: FrozenDict[str, BuiltPackage]


@dataclass(frozen=True)
class ComponentPackagesRequest:
    """Asks for the packages of one deploy target, or for those alone that are no images.

    For the programs of one command in the same way.
    """

    field: DeploymentPackagesField | DeploymentProgramsField
    entry: str
    is_without_images: bool


# Uncacheable, as what the engine has differs from run to run. A cacheable rule would first repeat
# all that the last run asked for, builds included, to see whether anything became different.
@_uncacheable_rule
async def build_packages(request: ComponentPackagesRequest) -> ComponentPackages:
    """Build the packages of one entry, but no image that the engine has already.

    There are none of a name that nobody declared.
    """
    places = request.field.value or FrozenDict()
    declared = places.get(request.entry, FrozenDict())
    targets = await MultiGet(
        Get(Targets, UnparsedAddressInputs, _addresses(request.field, [address]))
        for address in declared.values()
    )
    field_sets = await MultiGet(
        Get(FieldSetsPerTarget, FieldSetsPerTargetRequest(PackageFieldSet, one)) for one in targets
    )
    chosen = [
        _only(found, request.field, address)
        for found, address in zip(field_sets, declared.values())
    ]
    named = dict(zip(declared, chosen))
    if request.is_without_images:
        named = {
            name: each
            for name, each in named.items()
            if not isinstance(each, DockerPackageFieldSet)
        }
    present = PresentImages(FrozenDict())
    images = tuple(each for each in named.values() if isinstance(each, DockerPackageFieldSet))
    if images:  # else there may be no Docker to ask
        present = await Get(PresentImages, PresentImagesRequest(images))
    missing = [each for each in named.values() if each not in present.packages]
    built = await MultiGet(Get(BuiltPackage, PackageFieldSet, each) for each in missing)
    packages = {**present.packages, **dict(zip(missing, built))}
    return ComponentPackages(FrozenDict({name: packages[each] for name, each in named.items()}))


@rule
async def run_deployment(
    field_set: DeploymentFieldSet, run: RunSubsystem, cli: CliOptions
) -> RunRequest:
    """Build the chosen target's packages and start the tool with their paths."""
    address = field_set.tool.value
    command = named_command(run.args, field_set.programs.value or ())
    packages, programs, tools = await MultiGet(
        Get(
            ComponentPackages,
            ComponentPackagesRequest(
                field_set.packages, chosen_target(run.args), names_release(run.args)
            ),
        ),
        Get(ComponentPackages, ComponentPackagesRequest(field_set.programs, command, False)),
        Get(Targets, UnparsedAddressInputs, _addresses(field_set.tool, [address])),
    )
    runnable = await Get(FieldSetsPerTarget, FieldSetsPerTargetRequest(RunFieldSet, tools))
    tool = await Get(RunRequest, RunFieldSet, _only(runnable, field_set.tool, address))

    # As immutable inputs the packages are written to disk once and linked into the sandbox of
    # every later run, however large they are.
    parts = {"packages": packages.built, "programs": programs.built}
    folders = {
        f"{part}/{name}": each.digest
        for part, built in parts.items()
        for name, each in built.items()
    }
    paths, program_paths = (
        {name: f"{part}/{name}/{each.artifacts[0].relpath}" for name, each in built.items()}
        for part, built in parts.items()
    )
    started = f"{_CACHE}/{tool.digest.fingerprint}"
    called = calling(bin_name(), field_set.address.spec, cli.alias)
    return RunRequest(
        digest=tool.digest,
        args=telling(tool.args, f"{{chroot}}/{started}"),
        extra_env={**tool.extra_env, **environment(paths, program_paths, called)},
        immutable_input_digests={**(tool.immutable_input_digests or {}), **folders},
        append_only_caches={**(tool.append_only_caches or {}), "deployment": _CACHE},
    )


def _addresses(field: AsyncFieldMixin, values: Iterable[str]) -> UnparsedAddressInputs:
    """Return the addresses that stand in a field, to be read relative to its BUILD file."""
    return UnparsedAddressInputs(
        values,
        owning_address=field.address,
        description_of_origin=f"the `{field.alias}` field of {field.address}",
    )


def _only(found: FieldSetsPerTarget[FieldSet], field: AsyncFieldMixin, address: str) -> FieldSet:
    """Return the one way to run or package what stands at an address of a field."""
    if len(found.field_sets) != 1:
        raise InvalidFieldException(
            f"the `{field.alias}` field of {field.address} names {address}, "
            "which is not a target that can be run or packaged in exactly one way"
        )
    return found.field_sets[0]


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [
        *collect_rules(),
        *DeploymentFieldSet.rules(),
        UnionRule(InferDependenciesRequest, InferDeploymentDependencies),
    ]
