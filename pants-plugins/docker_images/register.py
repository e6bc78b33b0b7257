"""Names what the plugin brings; read by Pants because pants.toml lists `docker_images`."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.unions import UnionRule

from docker_images import presence, tags


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    return [*tags.rules(), *presence.rules()]
