"""Names what the plugin brings; read by Pants because pants.toml lists `hadolint`."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.unions import UnionRule

from hadolint import rules as hadolint_rules


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    return hadolint_rules.rules()
