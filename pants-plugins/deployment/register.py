"""Names what the plugin brings; read by Pants because pants.toml lists `deployment`."""

from __future__ import annotations

from typing import Iterable

from pants.bin.local_pants_runner import LocalPantsRunner
from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule

from deployment import rules as deployment_rules
from deployment.interruption import telling_interruption  # pants: no-infer-dep (other resolve)
from deployment.target_types import DeploymentTarget


def target_types() -> Iterable[type[Target]]:
    """Return the target types that BUILD files can use."""
    return [DeploymentTarget]


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    # Nothing that a plugin may add has the last word on the exit code.
    LocalPantsRunner._perform_run = telling_interruption(LocalPantsRunner._perform_run)
    return deployment_rules.rules()
