"""The entry point of a binary makes the target that owns its module a dependency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.backend.python.dependency_inference.module_mapper import (
    PythonModuleOwners,
    PythonModuleOwnersRequest,
)
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import (
    PythonResolveField,
    ResolvedPexEntryPoint,
    ResolvePexEntryPointRequest,
)
from pants.engine.addresses import Address
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import (
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    FieldSet,
    InferDependenciesRequest,
    InferredDependencies,
)
from pants.engine.unions import UnionRule

from pyinstaller.target_types import PyInstallerDependenciesField, PyInstallerEntryPointField


@dataclass(frozen=True)
class EntryPointFieldSet(FieldSet):
    """What the dependency is inferred from."""

    required_fields = (
        PyInstallerEntryPointField,
        PyInstallerDependenciesField,
        PythonResolveField,
    )

    entry_point: PyInstallerEntryPointField
    dependencies: PyInstallerDependenciesField
    resolve: PythonResolveField


class InferEntryPoint(InferDependenciesRequest[EntryPointFieldSet]):
    """Asks for the owner of an entry point."""

    infer_from = EntryPointFieldSet


@rule
async def infer_entry_point(request: InferEntryPoint, python: PythonSetup) -> InferredDependencies:
    """Return the owners; none when there are none, which packaging then complains about."""
    fields = request.field_set
    explicit, entry_point = await MultiGet(
        Get(ExplicitlyProvidedDependencies, DependenciesRequest(fields.dependencies)),
        Get(ResolvedPexEntryPoint, ResolvePexEntryPointRequest(fields.entry_point)),
    )
    assert entry_point.val is not None  # a required field
    modules = [entry_point.val.module]
    if entry_point.val.function is None:
        # What runs of a package.
        modules.append(f"{entry_point.val.module}.__main__")
    resolve = fields.resolve.normalized_value(python)
    found = await MultiGet(
        Get(PythonModuleOwners, PythonModuleOwnersRequest(module, resolve=resolve))
        for module in modules
    )
    inferred: list[Address] = []
    for module, owners in zip(modules, found):
        explicit.maybe_warn_of_ambiguous_dependency_inference(
            owners.ambiguous,
            fields.address,
            import_reference="module",
            context=f"The entry point of {fields.address} is the module `{module}`",
        )
        chosen = explicit.disambiguated(owners.ambiguous)
        inferred.extend(owners.unambiguous or ([chosen] if chosen else []))
    return InferredDependencies(inferred)


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferEntryPoint)]
