"""The targets (`deploy/targets.yaml`): named places to deploy to, each on one platform."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deploytool.errors import InvalidInput
from deploytool.system.document import parse_model, read_document


class Target(BaseModel):
    """One place to deploy to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: Literal["processes"]
    # Where the state lives, relative to the repository's root.
    state: Path
    # Port of the gateway on 127.0.0.1; a free one is found, and kept, when none is named.
    gateway_port: int | None = Field(default=None, ge=1, le=65_535)


class Targets(BaseModel):
    """All targets by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
