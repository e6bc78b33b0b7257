"""Reads from an image the notes about the Debian packages that it is made of."""

import tempfile
from pathlib import Path

from deploytool.errors import PlatformFailed
from deploytool.platforms.docker_client import docker, last_line
from deploytool.programs import regardless

_LIMIT_S = 60.0
# One file a package, as in images without a package manager.
_NOTES = "/var/lib/dpkg/status.d"
# The engine's words for a path that is not in an image.
_ABSENT = "Could not find the file"


def debian_notes(image: str) -> list[bytes]:
    """Return the notes, in the order of the packages' names; none where there are none.

    Read out of a container that is never started. Raises PlatformFailed.
    """
    # Some command must be named where an image has none; it does not matter which.
    made = docker(("create", image, "none"), timeout_s=_LIMIT_S)
    if made.returncode != 0:
        raise _unread(image, made.stderr)
    container = made.stdout.strip()
    try:
        with tempfile.TemporaryDirectory() as folder:
            copied = docker(("cp", f"{container}:{_NOTES}", folder), timeout_s=_LIMIT_S)
            if copied.returncode != 0 and _ABSENT not in copied.stderr:
                raise _unread(image, copied.stderr)
            files = sorted((Path(folder) / Path(_NOTES).name).glob("*"))
            return [file.read_bytes() for file in files if file.is_file()]
    finally:
        with regardless():
            docker(("rm", "--force", "--volumes", container), timeout_s=_LIMIT_S)


def _unread(image: str, words: str) -> PlatformFailed:
    return PlatformFailed(
        f"{image} cannot be looked into",
        why=last_line(words),
        hint="see that the Docker engine has space left, then repeat the command",
    )
