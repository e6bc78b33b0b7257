"""deploytool push."""

import os
from contextlib import nullcontext
from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import find_root, open_session, programs
from deploytool.errors import ExitCode, InvalidInput
from deploytool.operations.proving import open_proving
from deploytool.operations.push import push
from deploytool.record.origin import source_of


@click.command("push")
@click.argument("registry")
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the release.  [default: releases/TARGET.json in the repository]",
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Private key of cosign to sign all of it with; its password is in COSIGN_PASSWORD.",
)
@click.option("--keyless", is_flag=True, help="Sign with the identity of this job, by Sigstore.")
@common_options
def command(
    options: Options, registry: str, file: Path | None, key: Path | None, *, keyless: bool
) -> int:
    """Push the target's images to REGISTRY (HOST[:PORT][/PATH]), and write a release file.

    What the registry holds already is not pushed again; the file names every image by its digest.
    With --key or --keyless each image gets bills of materials, provenance and a signature, unless
    it has them, and the file gets a signature beside it (FILE.bundle).

    Example: deploytool --target compose push localhost:5000 --key release.key
    """
    if key is not None and keyless:
        raise InvalidInput(
            "--key and --keyless exclude each other",
            why="one signature is made, with a key or with an identity",
            hint="leave one of them out",
        )
    root = find_root(Path.cwd())
    path = file or root / "releases" / f"{options.target}.json"
    source = source_of(root, os.environ)
    with open_session(options, "push") as session:
        is_proved = key is not None or keyless
        proofs = (
            open_proving(session.context, key, root, source, programs().get("syft"))
            if is_proved
            else nullcontext(None)
        )
        release = push(session.context, registry, path, source, proofs)
    lines = [f"{component}  {each.image}" for component, each in release.images.items()]
    show(options, {"file": path, **release.model_dump()}, "\n".join([*lines, f"release: {path}"]))
    return ExitCode.DONE
