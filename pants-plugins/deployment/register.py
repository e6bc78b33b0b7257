"""Names what the plugin brings; read by Pants because pants.toml lists `deployment`."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule

from deployment import rules as deployment_rules
from deployment.target_types import DeploymentTarget


def target_types() -> Iterable[type[Target]]:
    """Return the target types that BUILD files can use."""
    return [DeploymentTarget]


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    return deployment_rules.rules()
