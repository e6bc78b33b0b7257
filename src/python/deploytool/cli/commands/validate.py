"""deploytool validate."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import DECLARATION, artifacts, find_root
from deploytool.errors import ExitCode, Place
from deploytool.operations.validate import Statement, Validation, validate
from deploytool.platforms.opening import render_manifests
from deploytool.system.declaration import read_system
from deploytool.system.targets import read_target, read_targets


@click.command("validate")
@click.argument(
    "paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
@common_options
def command(options: Options, paths: tuple[Path, ...]) -> int:
    """Check Kubernetes manifests against the API of the version that the targets declare.

    PATH is a file of objects, a folder of kustomize, or a folder to be looked through for both;
    without one, the manifests of all targets on Kubernetes. Needs no cluster, and kubectl only for
    folders of kustomize. Exits 2 when something is wrong.

    Example: deploytool validate deploy/kubernetes
    """
    root = find_root(Path.cwd())
    declaration = root / DECLARATION
    read_system(declaration)  # whoever checks what is deployed wants to know of this, too
    targets = read_targets(declaration.with_name("targets.yaml"))
    chosen = read_target(declaration.with_name("targets.yaml"), options.target)
    render = partial(render_manifests, target=chosen, root=root, artifacts=artifacts())
    validation = _seen_from(Path.cwd(), validate(paths, targets, declaration.parent, render))
    show(options, validation, _text(validation))
    is_valid = not any(each.is_error for each in validation.findings)
    return ExitCode.DONE if is_valid else ExitCode.USAGE


def _seen_from(folder: Path, validation: Validation) -> Validation:
    """Return it with paths as somebody in the folder would write them."""
    findings = tuple(
        replace(each, path=each.path.relative_to(folder))
        if each.path.is_relative_to(folder)
        else each
        for each in validation.findings
    )
    return replace(validation, findings=findings)


def _text(validation: Validation) -> str:
    errors = sum(each.is_error for each in validation.findings)
    notes = len(validation.findings) - errors
    return "\n".join(
        [
            *map(_line, validation.findings),
            f"{validation.objects} objects checked for Kubernetes "
            f"{', '.join(validation.kubernetes)}; errors: {errors}, notes: {notes}",
        ]
    )


def _line(statement: Statement) -> str:
    parts = (str(Place(statement.path, statement.line)), statement.object, statement.message)
    return ": ".join(part for part in parts if part)
