"""A registry of images: what it holds, and what is pushed to it, by the command line of Docker.

The command line knows the logins.
"""

import json
import re
from dataclasses import dataclass

from deploytool.errors import PlatformFailed
from deploytool.platforms.docker_client import docker, last_line

_ASK_S = 60.0
_PUSH_S = 1800.0
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Registry:
    """A place for images, HOST[:PORT][/PATH]."""

    address: str

    def digest(self, image: str) -> str | None:
        """Return the digest under which the registry holds an image, NAME:TAG; None without."""
        asked = docker(
            # Whether plain http will do is the engine's to say when something is pushed.
            ("manifest", "inspect", "--verbose", "--insecure", self._name(image)),
            timeout_s=_ASK_S,
        )
        if asked.returncode != 0:
            return None
        return str(json.loads(asked.stdout)["Descriptor"]["digest"])

    def push(self, image: str) -> str:
        """Push an image of the engine; return its digest. Layers that are there stay.

        Raises PlatformFailed with the registry's own words.
        """
        name = self._name(image)
        self._done(image, "tag", image, name)
        try:
            said = self._done(image, "push", name)
        finally:
            # The name was for the push alone.
            docker(("image", "rm", "--no-prune", name), timeout_s=_ASK_S)
        found = _DIGEST.search(said)
        if found is None:
            raise PlatformFailed(
                f"{image} was pushed, but not told under which digest",
                why=last_line(said),
                hint="repeat the command",
            )
        return found[1]

    def reference(self, image: str, digest: str) -> str:
        """Return the name by which this content, and no other, is pulled."""
        return f"{self._name(image).rpartition(':')[0]}@{digest}"

    def _name(self, image: str) -> str:
        return f"{self.address}/{image}"

    def _done(self, image: str, *arguments: str) -> str:
        done = docker(arguments, timeout_s=_PUSH_S)
        if done.returncode != 0:
            raise PlatformFailed(
                f"{image} was not pushed to {self.address}",
                why=last_line(done.stderr),
                hint="see that the registry answers and that you are logged in: "
                f"`docker login {self.address}`",
            )
        return done.stdout
