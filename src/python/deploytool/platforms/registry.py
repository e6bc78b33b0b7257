"""A registry of images: what it holds, and what is pushed to it, by the command line of Docker.

The command line knows the logins.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from deploytool.errors import CheckFailed, PlatformFailed
from deploytool.platforms.docker_client import docker, last_line
from deploytool.platforms.engine_images import EngineImage, engine_image
from deploytool.platforms.released_images import inspected, pull
from deploytool.programs import regardless

_ASK_S = 60.0
_PUSH_S = 1800.0
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class HeldImage:
    """An image as a registry holds it: the digests of its manifest and of its configuration."""

    digest: str
    config: str


def held_image(name: str, inspected: str) -> HeldImage:
    """Return the image that `docker manifest inspect --verbose` describes.

    Raises CheckFailed for an index: it names several images, and whose digest counts is not said.
    """
    found = json.loads(inspected)
    if isinstance(found, list):
        raise CheckFailed(
            f"{name} is an index of {len(found)} images",
            why="one image was built, and its content's tag stands for that one",
            hint="delete the tag in the registry, then repeat the command",
        )
    manifest = found.get("SchemaV2Manifest") or found.get("OCIManifest") or {}
    return HeldImage(found["Descriptor"]["digest"], manifest.get("config", {}).get("digest", ""))


def is_same(held: HeldImage, built: EngineImage) -> bool:
    """Tell whether a registry holds the very image that the engine has.

    An engine that keeps images in containerd knows them by their manifest.
    """
    return built.id in {held.config, held.digest}


def require_alike(name: str, held: EngineImage, built: EngineImage) -> None:
    """Raise CheckFailed unless a container is the same from the registry's image as from ours.

    Built on another machine, an image of the same content has another id.
    """
    if held.content != built.content:
        raise CheckFailed(
            f"{name} is another image than the one that was built",
            why=f"the registry holds {held.id}, the engine {built.id}: their layers or settings "
            "differ",
            hint="if what was built is right, delete the tag in the registry and repeat the "
            "command; to use the registry's, pull it and give it the name that was built",
        )


@dataclass(frozen=True, slots=True)
class Registry:
    """A place for images, HOST[:PORT][/PATH]."""

    address: str

    def digest(self, image: str) -> str | None:
        """Return the digest under which the registry holds the engine's image; None without.

        image: NAME:TAG. Raises CheckFailed when an image of another content has this name there,
        PlatformFailed when the registry does not say: what it may have is not pushed over.
        """
        found = inspected(self._name(image), "--verbose")
        if found is None:
            return None
        held = held_image(self._name(image), found)
        built = engine_image(image)
        if not is_same(held, built):
            require_alike(self._name(image), self._pulled(image, held.digest), built)
        return held.digest

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
            with regardless():
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

    def _pulled(self, image: str, digest: str) -> EngineImage:
        """Return what the engine says of the registry's image; layers that are here stay."""
        reference = self.reference(image, digest)
        with suppress(PlatformFailed):
            return engine_image(reference)  # somebody may go back to it: it stays
        pull(reference)
        try:
            return engine_image(reference)
        finally:
            with regardless():
                docker(("image", "rm", "--no-prune", reference), timeout_s=_ASK_S)

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
