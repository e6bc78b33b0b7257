"""Names what the plugin brings; read by Pants because pants.toml lists `kubernetes_manifests`."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule

from kubernetes_manifests import rules as kubernetes_manifests_rules
from kubernetes_manifests.target_types import KubernetesManifestsTarget


def target_types() -> Iterable[type[Target]]:
    """Return the target types that BUILD files can use."""
    return [KubernetesManifestsTarget]


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    return kubernetes_manifests_rules.rules()
