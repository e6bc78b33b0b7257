"""deploytool push."""

import os
from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import find_root, open_session
from deploytool.errors import ExitCode
from deploytool.operations.push import push
from deploytool.record.origin import source_of


@click.command("push")
@click.argument("registry")
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the release.  [default: releases/TARGET.json in the repository]",
)
@common_options
def command(options: Options, registry: str, file: Path | None) -> int:
    """Push the target's images to REGISTRY (HOST[:PORT][/PATH]), and write a release file.

    What the registry holds already is not pushed again; the file names every image by its digest.

    Example: deploytool --target compose push localhost:5000
    """
    root = find_root(Path.cwd())
    path = file or root / "releases" / f"{options.target}.json"
    with open_session(options, "push") as session:
        release = push(session.context, registry, path, source_of(root, os.environ))
    lines = [f"{component}  {each.image}" for component, each in release.images.items()]
    show(options, {"file": path, **release.model_dump()}, "\n".join([*lines, f"release: {path}"]))
    return ExitCode.DONE
