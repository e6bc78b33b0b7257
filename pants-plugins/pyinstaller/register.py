"""Names what the plugin brings; read by Pants because pants.toml lists `pyinstaller`."""

from __future__ import annotations

from typing import Iterable

from pants.engine.rules import Rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule

from pyinstaller import binutils, inference, sandbox
from pyinstaller import rules as packaging
from pyinstaller.target_types import PyInstallerBinary


def target_types() -> Iterable[type[Target]]:
    """Return the target types that BUILD files can use."""
    return [PyInstallerBinary]


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules and union members."""
    return [*binutils.rules(), *inference.rules(), *packaging.rules(), *sandbox.rules()]
