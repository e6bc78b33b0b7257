"""deploytool version."""

import os
from contextlib import suppress
from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import find_root, packaged_tool
from deploytool.errors import ExitCode, InvalidInput
from deploytool.record.origin import source_of
from deploytool.system.revision import digest_of
from deploytool.version import VERSION

# Names 2^48 builds, as revisions do.
_DIGITS = 12


@click.command("version")
@common_options
def command(options: Options) -> int:
    """Print deploytool's version, its build, and the commit that is checked out.

    The build is the hash of the packaged tool: the same content has the same, whatever the commit.
    """
    told = {"version": VERSION, "build": _build(), "commit": _commit()}
    text = f"deploytool {VERSION}, build {told['build']}, commit {told['commit'] or 'unknown'}"
    show(options, told, text)
    return ExitCode.DONE


def _build() -> str:
    """Return the name of the packaged content, "sources" where the tool runs from these."""
    with suppress(InvalidInput, OSError):
        return digest_of(packaged_tool())[:_DIGITS]
    return "sources"


def _commit() -> str:
    """Return the commit of the repository around, "" without one."""
    root = Path.cwd()
    with suppress(InvalidInput):
        root = find_root(root)
    return source_of(root, os.environ)[1]
