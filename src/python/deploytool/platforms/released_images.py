"""The images of a release in their registry, asked by the command line of Docker."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from deploytool.errors import DeployError, InvalidInput, PlatformFailed
from deploytool.platforms.docker_client import docker, last_line

_ASK_S = 60.0
_PULL_S = 1800.0
# Each look is a program of its own that waits for the registry.
_THREADS = 8
# The command line's word for a registry that answers, and has no such image.
_LACKS = "no such manifest"


def require_held(images: Collection[str]) -> None:
    """Raise InvalidInput when a registry lacks one of the images, NAME@DIGEST.

    Raises PlatformFailed when a registry does not say.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        faults = [each for each in pool.map(_lack, sorted(images)) if each is not None]
    if faults:
        raise faults[0]


def pull(image: str) -> None:
    """Have the engine pull an image, NAME@DIGEST. Raises PlatformFailed."""
    done = docker(("pull", "--quiet", image), timeout_s=_PULL_S)
    if done.returncode != 0:
        raise PlatformFailed(
            f"{image} was not pulled",
            why=last_line(done.stderr),
            hint=_hint(image),
        )


def _lack(image: str) -> DeployError | None:
    """Return why an image cannot be had, None when its registry holds it."""
    # Whether plain http will do is the engine's to say when something is pulled.
    asked = docker(("manifest", "inspect", "--insecure", image), timeout_s=_ASK_S)
    if asked.returncode == 0:
        return None
    why = last_line(asked.stderr)
    if _LACKS in why:
        return InvalidInput(
            f"the registry lacks {image}",
            why=why,
            hint="push it again, or name the release of a push that ended well",
        )
    return PlatformFailed(f"whether there is {image} is not known", why=why, hint=_hint(image))


def _hint(image: str) -> str:
    registry = image.partition("/")[0]
    return f"see that the registry answers and that you are logged in: `docker login {registry}`"
