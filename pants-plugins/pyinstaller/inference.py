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
from pants.engine.rules import Get, Rule, collect_rules, rule
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
    """Return the owner; none when there is none, which packaging then complains about."""
    fields = request.field_set
    entry_point = await Get(ResolvedPexEntryPoint, ResolvePexEntryPointRequest(fields.entry_point))
    assert entry_point.val is not None  # a required field
    module = entry_point.val.module
    owners = await Get(
        PythonModuleOwners,
        PythonModuleOwnersRequest(module, resolve=fields.resolve.normalized_value(python)),
    )
    if owners.unambiguous:
        return InferredDependencies(owners.unambiguous)
    explicit = await Get(ExplicitlyProvidedDependencies, DependenciesRequest(fields.dependencies))
    explicit.maybe_warn_of_ambiguous_dependency_inference(
        owners.ambiguous,
        fields.address,
        import_reference="module",
        context=f"The entry point of {fields.address} is the module `{module}`",
    )
    chosen = explicit.disambiguated(owners.ambiguous)
    return InferredDependencies([chosen] if chosen else [])


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferEntryPoint)]
