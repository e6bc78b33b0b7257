"""The targets (`deploy/targets.yaml`): named places to deploy to, each on one platform."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from deploytool.errors import InvalidInput
from deploytool.system.declared import Declared, Name
from deploytool.system.document import parse_model, read_document


class OnThisMachine(Declared):
    """What the targets on this machine have in common."""

    # Where the state lives, relative to the repository's root.
    state: Path
    # Port of the gateway on 127.0.0.1; a free one is found, and kept, when none is named.
    gateway_port: int | None = Field(default=None, ge=1, le=65_535)


class LocalTarget(OnThisMachine):
    """Plain processes on this machine."""

    platform: Literal["processes"]


class MigrationServices(Declared):
    """The services of the Compose file that apply all migrations of a kind, and end."""

    expand: Name
    contract: Name


class ComposeTarget(OnThisMachine):
    """Containers of a Docker engine on this machine."""

    platform: Literal["compose"]
    # The Compose file, relative to this one; it has a service of each component's name.
    file: Path
    # Compose's project: its name stands before those of containers, networks and volumes.
    project: Name
    migrations: MigrationServices


Target = Annotated[LocalTarget | ComposeTarget, Field(discriminator="platform")]


class Targets(Declared):
    """All targets by name."""

    targets: dict[str, Target]


def read_target(path: Path, name: str) -> Target:
    """Read the target of that name. Raises InvalidInput when the file or the name is wrong."""
    targets = parse_model(read_document(path), Targets).targets
    if name not in targets:
        raise InvalidInput(
            f"there is no target {name!r}",
            why=f"{path} declares {', '.join(targets)}",
            hint="choose one of these with --target",
        )
    return targets[name]
