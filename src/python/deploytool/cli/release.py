"""The option `--release FILE`, and what a command is handed over for it instead of a build."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from deploytool.errors import InvalidInput
from deploytool.platforms.images import write_artifacts
from deploytool.system.declaration import System
from deploytool.system.release import ReleaseFile, read_release, require_fitting
from deploytool.system.targets import (
    ComposeTarget,
    KubernetesTarget,
    LocalTarget,
    OfImages,
    Proof,
    Target,
)


def release_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option `release: Path | None`."""
    return click.option(
        "--release",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Deploy the images of a release, as `push` wrote it, instead of a build.",
    )(function)


def read_for(path: Path, name: str, targets: Mapping[str, Target], system: System) -> ReleaseFile:
    """Read the release for the target of that name.

    Raises InvalidInput when the file is wrong, or none of this system, or the target runs no
    images.
    """
    target = targets[name]
    file = read_release(path)
    if isinstance(target, LocalTarget):
        raise InvalidInput(
            f"{name} runs no images",
            why=f"a release names images, and this target's platform is {target.platform}",
            hint="choose another target with --target, or leave --release out",
            place=file.place(),
        )
    migrating = [each for each in targets.values() if not isinstance(each, LocalTarget)]
    known = {
        *system.components,
        *(each for other in migrating for each in _migrations(other)),
    }
    required = [*system.components, target.migrations.expand]
    require_fitting(file, system=system.system, required=required, known=known)
    return file


@contextmanager
def for_platform(
    built: Mapping[str, Path], target: Target, file: ReleaseFile | None
) -> Iterator[dict[str, Path]]:
    """Yield what a platform may install from: the release's images, or what was built.

    Where proof is demanded no image that was built here gets in, whatever the command.
    """
    others = {name: path for name, path in built.items() if path.suffix != ".json"}
    if file is not None:
        with TemporaryDirectory(prefix="deploytool-") as folder:
            yield others | write_artifacts(Path(folder), file.release.builds)
    else:
        yield dict(built) if demanded(target, Path()) is None else others


def demanded(target: Target, deploy: Path) -> Proof | None:
    """Return the proof that a target demands. deploy: folder that the key's path starts from."""
    proof = target.proof if isinstance(target, OfImages) else None
    if proof is None or proof.key is None:
        return proof
    return proof.model_copy(update={"key": deploy / proof.key})


def _migrations(target: ComposeTarget | KubernetesTarget) -> tuple[str, str]:
    return target.migrations.expand, target.migrations.contract
