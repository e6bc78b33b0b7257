"""Names what the plugin brings; read by Pants because pants.toml lists `ruff_goals`."""

from __future__ import annotations

from typing import Iterable

from pants.backend.python.lint.ruff import skip_field, subsystem
from pants.engine.rules import Rule
from pants.engine.unions import UnionRule

from ruff_goals import rules as goal_rules


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this plugin and those of Pants' own backend that it builds on."""
    return [*goal_rules.rules(), *skip_field.rules(), *subsystem.rules()]
