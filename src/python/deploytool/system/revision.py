"""Revisions: a component's artifact and configuration, named by their content."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

# 12 hex digits name 2^48 revisions: no two of a component's collide in practice.
_LENGTH = 12
# A setting whose name has one of these may hold a secret, and so may a URL with a user.
_SECRET = re.compile(r"pass|pwd|secret|token|key|credential|auth|private|cookie|dsn", re.IGNORECASE)
_URL_WITH_USER = re.compile(r"//[^/\s]*@")
# Longer values are cut: a difference is told in a few words.
_TOLD_LENGTH = 40


class Revision(BaseModel):
    """What runs: the same artifact with the same configuration is the same revision."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

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


def differences(stable: Revision, canary: Revision) -> tuple[str, ...]:
    """Return in words what differs: "build", and the canary's value of each setting.

    The build is the artifact with what its platform adds to it. The value of a setting that may be
    a secret is not told.
    """
    before, after = stable.environment, canary.environment
    changed = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    build = ["build"] if stable.artifact != canary.artifact else []
    return (*build, *(_told(name, after.get(name)) for name in changed))


def _told(name: str, value: str | None) -> str:
    if value is None:
        return f"{name} (removed)"
    if _SECRET.search(name) or _URL_WITH_USER.search(value):
        return f"{name} (its value is not shown)"
    line = " ".join(value.split())
    cut = line if len(line) <= _TOLD_LENGTH else f"{line[: _TOLD_LENGTH - 3]}..."
    return f"{name}={cut}"


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
