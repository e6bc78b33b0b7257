"""Images that the Docker engine holds, asked by its command line."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from deploytool.errors import PlatformFailed
from deploytool.platforms.docker_client import docker, last_line

_ASK_S = 60.0
# How a container of an image starts, and whose it is. The rest says where and when the image was
# built, its labels for example: built elsewhere from the same, it is another image by its id.
_SETTINGS = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image as the engine knows it.

    id: sha256:HEX; of its configuration, or, where the engine keeps images in containerd, of its
    manifest. platform: OS/ARCHITECTURE. content: sha256:HEX of all that a container has from it,
    layers and settings; the same of two builds of the same.
    """

    id: str
    platform: str
    content: str


def engine_image(name: str) -> EngineImage:
    """Return the image of a name, NAME:TAG or NAME@DIGEST.

    Raises PlatformFailed when the engine has none.
    """
    asked = docker(("image", "inspect", "--format={{json .}}", name), timeout_s=_ASK_S)
    if asked.returncode != 0:
        raise PlatformFailed(
            f"the Docker engine has no image {name}",
            why=last_line(asked.stderr),
            hint="start the engine, then deploytool by `./pants run deploytool -- ...`, "
            "which builds what is missing",
        )
    found = json.loads(asked.stdout)
    variant = f"/{found['Variant']}" if found.get("Variant") else ""
    platform = f"{found['Os']}/{found['Architecture']}{variant}"
    return EngineImage(found["Id"], platform, content_of(found))


def content_of(inspected: dict[str, Any]) -> str:
    """Return the digest of what a container has from an image, as `docker image inspect` says."""
    settings = {name: (inspected.get("Config") or {}).get(name) for name in _SETTINGS}
    # An engine writes what is not set as null, or as empty.
    given = {name: value for name, value in settings.items() if value}
    text = json.dumps([inspected["RootFS"], given], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
