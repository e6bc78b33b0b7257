"""Builds the node's programs from the Go module beside this file, once for each of its contents.

A build holds: the programs, `images/` with archives of those that run in pods, and `crds/` with
the definitions of the Gateway API.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from tests.cluster.images import write_images
from tests.cluster.layout import CACHE
from tests.cluster.waiting import ClusterFailed, last_lines, wait_until

_LOG = logging.getLogger(__name__)
_BUILD_LOG = CACHE / "build.log"
_MODULE = Path(__file__).parent / "node"
_GO_FOLDER = "/usr/local/go/bin"
_GATEWAY_API = "sigs.k8s.io/gateway-api"
# A build that gives way to all else takes as long as that does.
_TIMEOUT_S = 3600
_TELL_EACH_S = 30


def build() -> Path:
    """Return the folder of the build of the module as it is, made now if there is none.

    One that another process makes is waited for.
    """
    folder = CACHE / _digest()
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with _alone():
            if not folder.exists():
                _make(folder)
    return folder


def _make(folder: Path) -> None:
    fresh = folder.with_suffix(".unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    _compile(fresh)
    write_images(fresh, fresh / "images")
    crds = Path(_module(_GATEWAY_API, "Dir")) / "config" / "crd" / "standard"
    shutil.copytree(crds, fresh / "crds")
    fresh.rename(folder)


@contextmanager
def _alone() -> Iterator[None]:
    """Be the only process that builds."""
    # Not the one that whoever brings the cluster up holds meanwhile.
    with (CACHE / "build.lock").open("w") as file:
        what = "another process to have built the node's programs"
        wait_until(what, partial(_is_locked, file), timeout_s=_TIMEOUT_S, log=_BUILD_LOG)
        yield


def _is_locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _digest() -> str:
    content = hashlib.sha256()
    for path in sorted(path for path in _MODULE.rglob("*") if path.is_file()):
        content.update(f"{path.relative_to(_MODULE)}\0".encode() + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def _compile(folder: Path) -> None:
    _LOG.info("building the node's programs: seconds, or 5 to 10 minutes for the first time")
    version = _module("k8s.io/kubernetes", "Version")
    stamp = f"-s -w -X k8s.io/component-base/version.gitVersion={version}"
    with _BUILD_LOG.open("w") as output:
        process = subprocess.Popen(
            (_go(), "build", "-trimpath", f"-ldflags={stamp}", f"-o={folder}/", "./..."),
            cwd=_MODULE,
            env=_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _await(process)
    if process.returncode != 0:
        raise ClusterFailed(f"the node's programs cannot be built\n{last_lines(_BUILD_LOG)}")


def _await(process: "subprocess.Popen[bytes]") -> None:
    started = time.monotonic()
    while True:
        try:
            process.wait(_TELL_EACH_S)
            return
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - started
            _LOG.info("still building after %.0f s", passed)
        if passed > _TIMEOUT_S:
            process.kill()


def _module(path: str, field: str) -> str:
    """Return what the go command knows of a module that go.mod names, fetched now if need be."""
    done = subprocess.run(
        (_go(), "mod", "download", "-json", path),
        check=False,
        cwd=_MODULE,
        env=_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ClusterFailed(f"the go command knows nothing of {path}: {done.stderr.strip()}")
    return str(json.loads(done.stdout)[field])


def _go() -> str:
    found = shutil.which("go") or shutil.which("go", path=_GO_FOLDER)
    if found is None:
        raise ClusterFailed(
            f"the Go toolchain is missing: it is neither on PATH nor in {_GO_FOLDER}"
        )
    return found


def _environment() -> Mapping[str, str]:
    # Tests may run without a HOME, which the go command keeps its caches in.
    home = str(Path.home())
    return {"HOME": home, **os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
