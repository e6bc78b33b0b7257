"""deploytool render."""

from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import DECLARATION, find_root, open_session
from deploytool.errors import ExitCode, InvalidInput
from deploytool.operations.admission import admit
from deploytool.operations.render import render
from deploytool.platforms.opening import released_manifests
from deploytool.system.targets import KubernetesTarget, read_target


@click.command("render")
@click.option(
    "--release",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    required=True,
    help="The release, as `push` wrote it.",
)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@common_options
def command(options: Options, release: Path, folder: Path) -> int:
    """Write the target's manifests with the digests of a release into DIR, as TARGET.yaml.

    For a Git folder that Argo CD or Flux applies. What the target demands is verified first; no
    cluster is asked, but for the state of the target that this one comes after.

    Example: deploytool --target kubernetes render --release release.json gitops/shop
    """
    root = find_root(Path.cwd())
    deploy = (root / DECLARATION).parent
    target = read_target(deploy / "targets.yaml", options.target)
    if not isinstance(target, KubernetesTarget):
        raise InvalidInput(
            f"{options.target} has no manifests",
            why=f"its platform is {target.platform}",
            hint="name a target on Kubernetes with --target",
        )
    with open_session(options, "render", record="if-possible", release=release) as session:
        admit(session.context)
        file = render(
            session.context,
            lambda: released_manifests(
                target, root=root, deploy=deploy, artifacts=session.context.artifacts
            ),
            folder,
        )
    show(options, {"file": file}, f"written: {file}")
    return ExitCode.DONE
