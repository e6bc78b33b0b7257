"""Names what the plugin brings; read by Pants because pants.toml lists `debian_rootfs`."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule

from debian_rootfs import rules as rootfs_rules
from debian_rootfs.target_types import DebianRootfsTarget


def target_types() -> Iterable[type[Target]]:
    """Return the target types that BUILD files can use."""
    return [DebianRootfsTarget]


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    return rootfs_rules.rules()
