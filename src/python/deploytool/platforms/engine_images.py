"""Images that the Docker engine holds, asked by its command line."""

import json
from dataclasses import dataclass

from deploytool.errors import PlatformFailed
from deploytool.platforms.docker_client import docker, last_line

_ASK_S = 60.0


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image as the engine knows it.

    id: sha256:HEX; of its configuration, or, where the engine keeps images in containerd, of its
    manifest. platform: OS/ARCHITECTURE.
    """

    id: str
    platform: str


def engine_image(name: str) -> EngineImage:
    """Return the image of a name, NAME:TAG. Raises PlatformFailed when the engine has none."""
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
    return EngineImage(found["Id"], f"{found['Os']}/{found['Architecture']}{variant}")
