"""The images of a release in their registry, asked by the command line of Docker."""

import ipaddress
import json
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from deploytool.errors import DeployError, InvalidInput, PlatformFailed
from deploytool.platforms.docker_client import docker, last_line
from deploytool.programs import at_once

_ASK_S = 60.0
# For a large image over a slow line; `within` may leave less.
_PULL_S = 1800.0
# The command line's words for a registry that answers, and has no such image. The first it says as
# well when a login is wanted, the second of answers without details, and the last of Harbor's.
_LACKS = re.compile(
    r"no such manifest\b"
    r"|(?:manifest|name) unknown\b"
    r"|unknown: (?:artifact|repository) \S+ not found$"
)


def require_held(images: Collection[str]) -> None:
    """Raise InvalidInput when a registry lacks one of the images, NAME@DIGEST.

    Raises PlatformFailed when a registry does not say.
    """
    faults = [each for each in at_once(_lack, sorted(images)) if each is not None]
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
    try:
        found = inspected(image)
    except PlatformFailed as error:
        return error
    if found is not None:
        return None
    return InvalidInput(
        f"the registry lacks {image}",
        why="it answers, and shows no such image",
        hint="push it again, or name the release of a push that ended well; if the registry wants "
        f"a login: `docker login {_registry(image)}`",
    )


def inspected(image: str, *options: str) -> str | None:
    """Return what `docker manifest inspect` says of an image; None when the registry lacks it.

    image: NAME:TAG or NAME@DIGEST. Raises PlatformFailed when the registry does not say.
    """
    registry = _registry(image)
    if is_local(registry) or is_unverified(registry, _registry_settings()):
        options = ("--insecure", *options)
    asked = docker(("manifest", "inspect", *options, image), timeout_s=_ASK_S)
    if asked.returncode == 0:
        return asked.stdout
    why = last_line(asked.stderr)
    if is_lack(why):
        return None
    raise PlatformFailed(f"whether there is {image} is not known", why=why, hint=_hint(image))


def is_local(registry: str) -> bool:
    """Tell whether a registry, HOST[:PORT], is on this machine: what is told it stays there."""
    return _host(registry) == "localhost" or _is_in(registry, "127.0.0.0/8")


def is_unverified(registry: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether the engine is told to take a registry without a certificate it can verify.

    To whom else the command line talks like that, it gives the login to whoever answers. settings:
    RegistryConfig of `docker info`.
    """
    known = (settings.get("IndexConfigs") or {}).get(registry)
    if known is not None and not known.get("Secure", True):
        return True
    return any(_is_in(registry, net) for net in settings.get("InsecureRegistryCIDRs") or [])


@cache
def _registry_settings() -> Mapping[str, Any]:
    """Return what the engine is told of registries; nothing where there is no engine."""
    asked = docker(("info", "--format={{json .RegistryConfig}}"), timeout_s=_ASK_S)
    if asked.returncode != 0:
        return {}
    return json.loads(asked.stdout) or {}


def _host(registry: str) -> str:
    return re.sub(r":\d+$", "", registry).strip("[]")


def _is_in(registry: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(_host(registry)) in ipaddress.ip_network(network)
    except ValueError:  # it has a name
        return False


def is_lack(words: str) -> bool:
    """Tell whether a line of the command line says that a registry has no such image."""
    return _LACKS.match(words) is not None


def _hint(image: str) -> str:
    return (
        "see that the registry answers and that you are logged in: "
        f"`docker login {_registry(image)}`"
    )


def _registry(image: str) -> str:
    return image.partition("/")[0]
