"""Revisions: a component's artifact and configuration, named by their content."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

# 12 hex digits name 2^48 revisions: no two of a component's collide in practice.
_LENGTH = 12


class Revision(BaseModel):
    """What runs: the same artifact with the same configuration is the same revision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    component: str
    id: str
    # SHA-256 of the artifact and of what its platform adds to it, in hex.
    artifact: str
    # As declared, references unresolved: where a revision runs does not change what it is.
    environment: dict[str, str]


def revision_of(component: str, artifact: str, environment: Mapping[str, str]) -> Revision:
    """Name the revision of an artifact (its fingerprint) under an environment."""
    content = json.dumps([component, artifact, dict(environment)], sort_keys=True)
    identity = hashlib.sha256(content.encode()).hexdigest()[:_LENGTH]
    return Revision(
        component=component, id=identity, artifact=artifact, environment=dict(environment)
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
