"""Runs third-party programs to their end, one or several at a time.

The one place where their failures become our errors. What they say is for the caller to judge.
"""

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from deploytool.errors import InvalidInput, PlatformFailed

_LOOK_S = 0.1
# Each waits for a server, a registry for example, more than it computes.
_THREADS = 8
# Set for this tool alone, by its own package and by whoever started it.
_OWN = ("PEX", "PYTHON", "DEPLOYTOOL_")

_LONGER = "see that what it waits for answers; `--timeout` gives it longer"

Item = TypeVar("Item")
Found = TypeVar("Found")


class _Bounds:
    """The time that a thread has, and the programs that it runs. until: by the monotonic clock."""

    def __init__(self, until: float = math.inf) -> None:
        self.until = until
        self._running: set[subprocess.Popen[str]] = set()
        self._is_over = False
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, process: "subprocess.Popen[str]") -> Iterator[None]:
        """End the program with the block, if that fails, and with all others by `end`."""
        with self._lock:
            self._running.add(process)
            if self._is_over:
                _kill(process)
        try:
            yield
        except BaseException:
            _kill(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)

    def end(self) -> None:
        """End all that runs, and what is yet to run: nobody waits for it any more."""
        with self._lock:
            self._is_over = True
            for process in self._running:
                _kill(process)


class _Thread(threading.local):
    bounds = _Bounds()


_THREAD = _Thread()


def outer_environment() -> dict[str, str]:
    """Return the environment of this tool without what is its own.

    All the rest, as logins and proxies have names that only their programs know.
    """
    return {
        name: value for name, value in os.environ.items() if not name.lstrip("_").startswith(_OWN)
    }


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Give all programs that the block runs, also by `at_once`, so long together."""
    with _bound(_Bounds(min(_THREAD.bounds.until, time.monotonic() + limit_s))):
        yield


@contextmanager
def regardless() -> Iterator[None]:
    """Have the block run programs though its time is over, or nobody waits: it clears away."""
    with _bound(_Bounds()):
        yield


@contextmanager
def _bound(bounds: _Bounds) -> Iterator[None]:
    before = _THREAD.bounds
    _THREAD.bounds = bounds
    try:
        yield
    finally:
        _THREAD.bounds = before


def at_once(
    work: Callable[[Item], Found],
    items: Iterable[Item],
    on_interrupt: Callable[[], None] = lambda: None,
) -> list[Found]:
    """Do the work on many items at a time; return what comes of each, in their order.

    An error of the work, or Ctrl-C, ends the programs that are run meanwhile. on_interrupt: ends
    everything else that the threads wait for.
    """
    bounds = _Bounds(_THREAD.bounds.until)

    def begin(item: Item) -> Found:
        _THREAD.bounds = bounds
        return work(item)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            return list(pool.map(begin, items))
        except BaseException as error:
            # Before the pool is left, which ends when its threads do.
            bounds.end()
            if isinstance(error, KeyboardInterrupt):
                on_interrupt()
            raise


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    cwd: Path = Path("/"),
    text: str = "",
    hint: str = "see what keeps it: `deploytool status` and `deploytool logs`",
) -> subprocess.CompletedProcess[str]:
    """Run a program with a text as its input, whatever it returns.

    It shares neither terminal nor session with this tool, so that Ctrl-C does not reach it. hint:
    what to do when it does not end in its own time; that of `within` may be over before.
    Raises InvalidInput when there is no such program, PlatformFailed when it does not end.
    """
    limit_s = min(timeout_s, max(0.0, _THREAD.bounds.until - time.monotonic()))
    with _started(argv, env, cwd) as process:
        try:
            output, errors = process.communicate(text, timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise PlatformFailed(
                f"{_called(argv)} did not end within {limit_s:.0f} s",
                why="it was killed",
                hint=hint if limit_s == timeout_s else _LONGER,
            ) from error
    return subprocess.CompletedProcess(argv, process.returncode, output, errors)


def run_watched(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    look: Callable[[], None],
    cwd: Path = Path("/"),
) -> subprocess.CompletedProcess[str]:
    """Run a program, as `run` does, and look after it ten times a second.

    An error of `look`, like an interrupt, ends the program and all that it started.
    """
    with _started(argv, env, cwd) as process:
        while True:
            try:
                output, errors = process.communicate(timeout=_LOOK_S)
                break
            except subprocess.TimeoutExpired:
                look()
    return subprocess.CompletedProcess(argv, process.returncode, output, errors)


@contextmanager
def _started(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path
) -> "Iterator[subprocess.Popen[str]]":
    with (
        _found(Path(argv[0]).name),
        subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
        _THREAD.bounds.holding(process),
    ):
        yield process


def _kill(process: "subprocess.Popen[str]") -> None:
    """End a program and all that it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.killpg(process.pid, signal.SIGKILL)


def _called(argv: Sequence[str]) -> str:
    """Return a program's name, with the command that it was given, if any."""
    command = [each for each in argv[1:2] if not each.startswith(("-", "/"))]
    return " ".join((Path(argv[0]).name, *command))


@contextmanager
def _found(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidInput(
            f"{name} cannot be started",
            why=f"{error.filename} does not exist",
            hint=f"install {name}, or run `deploytool up` from a fresh build",
        ) from error
