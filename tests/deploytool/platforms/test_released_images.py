"""The images of a release are looked for in their registry, and pulled by their digests."""

import io
import os
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.compose.engine import Engine
from deploytool.platforms.registry import Registry
from deploytool.platforms.released_images import (
    is_lack,
    is_local,
    is_unverified,
    pull,
    require_held,
)
from deploytool.programs import within
from tests.registry import serving


@pytest.mark.parametrize(
    "words",
    [
        "no such manifest: localhost:5000/shop:t1",
        "manifest unknown",
        "manifest unknown: manifest unknown",
        "name unknown",
        "unknown: artifact team/shop:t1 not found",
        "unknown: repository team/shop not found",
    ],
)
def test_a_registry_that_answers_may_say_in_several_ways_that_it_lacks_something(
    words: str,
) -> None:
    assert is_lack(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "unauthorized",
        "denied: requested access to the resource is denied",
        "toomanyrequests: slow down",
        "unknown: <html>not found</html>",
        "received unexpected HTTP status: 502 Bad Gateway",
        'error pinging v2 registry: Get "https://name unknown/v2/": no such host',
    ],
)
def test_whatever_else_a_registry_says_it_may_have_the_image(words: str) -> None:
    assert not is_lack(words)


SETTINGS = {
    "InsecureRegistryCIDRs": ["127.0.0.0/8", "10.1.0.0/16"],
    "IndexConfigs": {"docker.io": {"Secure": True}, "registry.lan:5000": {"Secure": False}},
}


@pytest.mark.parametrize("registry", ["localhost:5055", "127.0.0.1:5000", "localhost"])
def test_what_is_told_a_registry_of_this_machine_stays_there(registry: str) -> None:
    assert is_local(registry)


@pytest.mark.parametrize("registry", ["ghcr.io", "localhost.example:5000", "10.1.2.3:5000"])
def test_no_other_registry_is_taken_for_one_of_this_machine(registry: str) -> None:
    assert not is_local(registry)


@pytest.mark.parametrize("registry", ["registry.lan:5000", "10.1.2.3:5000"])
def test_a_certificate_is_not_asked_for_where_the_engine_is_told_so(registry: str) -> None:
    assert is_unverified(registry, SETTINGS)


@pytest.mark.parametrize("registry", ["ghcr.io", "docker.io", "registry.lan:5001", "10.2.0.1:5000"])
def test_nobody_else_gets_a_login_without_a_certificate(registry: str) -> None:
    assert not is_unverified(registry, SETTINGS)
    assert not is_unverified(registry, {})


def docker(*arguments: str, content: bytes = b"") -> None:
    done = subprocess.run(["docker", *arguments], input=content, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    with serving(tmp_path) as address:
        yield Registry(address)


@pytest.fixture
def pushed(registry: Registry) -> Iterator[str]:
    """An image that the registry holds, and the engine has only under another name."""
    # Of this run alone: somebody may use the engine for the same.
    name = f"test-{os.getpid()}-released:t1"
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w").close()
    docker("import", "-", name, content=archive.getvalue())
    try:
        yield registry.reference(name, registry.push(name))
    finally:
        docker("image", "rm", name)


def test_what_the_registry_holds_can_be_pulled(pushed: str) -> None:
    require_held([pushed])
    with closing(Engine("none")) as engine:
        assert not engine.has_image(pushed)
        pull(pushed)
        assert engine.has_image(pushed)
        docker("image", "rm", pushed)
        assert not engine.has_image(pushed)


def test_a_digest_that_the_registry_lacks_is_named(pushed: str) -> None:
    lacking = f"{pushed.partition('@')[0]}@sha256:{'0' * 64}"
    with pytest.raises(InvalidInput) as refused:
        require_held([pushed, lacking])
    assert refused.value.what == f"the registry lacks {lacking}"
    assert f"docker login {pushed.partition('/')[0]}" in refused.value.hint
    with pytest.raises(PlatformFailed, match="was not pulled"):
        pull(lacking)


def test_a_registry_that_does_not_answer_does_not_say_that_it_lacks_something(pushed: str) -> None:
    away = f"127.0.0.1:1/{pushed.partition('/')[2]}"
    with pytest.raises(PlatformFailed) as refused:
        require_held([away])
    assert "connection refused" in refused.value.why
    assert "docker login 127.0.0.1:1" in refused.value.hint


@pytest.fixture
def silent() -> Iterator[list[str]]:
    """More images than are asked for at once, of a registry that never answers."""
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        yield [f"{address}/shop-{n}@sha256:{'0' * 64}" for n in range(12)]


def test_a_registry_that_never_answers_is_waited_for_as_long_as_all_may_take(
    silent: list[str],
) -> None:
    began = time.monotonic()
    with pytest.raises(PlatformFailed, match="docker manifest did not end") as failure, within(2):
        require_held(silent)
    with pytest.raises(PlatformFailed, match="docker pull did not end"), within(2):
        pull(silent[0])
    assert "`--timeout` gives it longer" in failure.value.hint
    assert time.monotonic() - began < 15


def test_who_interrupts_does_not_wait_for_a_registry_that_never_answers(silent: list[str]) -> None:
    timer = threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        require_held(silent)
    assert time.monotonic() - began < 12
