"""Programs end by themselves, when their time is over, or when nobody waits for them any more."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from deploytool.errors import DeployError, InvalidInput, PlatformFailed
from deploytool.programs import at_once, outer_environment, regardless, run, run_watched, within

# Leaves a file when it is not ended, and its child another one.
LINGER = """
import pathlib, subprocess, sys, time
place, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
(place / f"began-{sys.argv[3]}").touch()
child = [sys.executable, "-c", "import pathlib, sys, time; time.sleep(float(sys.argv[2]));"
         "pathlib.Path(sys.argv[1]).touch()"]
subprocess.run([*child, str(place / f"ended-{sys.argv[3]}"), sys.argv[2]])
"""
LONG_S = 3.0


def linger(place: Path, name: str = "one", timeout_s: float = 60, seconds: float = LONG_S) -> str:
    argv = [sys.executable, "-c", LINGER, str(place), str(seconds), name]
    return run(argv, env=dict(os.environ), timeout_s=timeout_s).stdout


def ended(place: Path) -> list[str]:
    """Return what was not ended in its time, once that is over."""
    time.sleep(LONG_S + 0.5)
    return sorted(path.name for path in place.glob("ended-*"))


def test_a_program_is_given_a_text_and_environment_and_says_what_it_says() -> None:
    tell = "import os, sys; print(sys.stdin.read(), os.environ['A']); sys.exit(3)"
    # Longer than a pipe holds, while it is looked at several times.
    text = "x" * 300_000
    wait = f"import time; time.sleep(0.3); {tell}"
    done = run([sys.executable, "-c", wait], env={"A": "b"}, timeout_s=20, text=text)
    assert (done.returncode, done.stdout) == (3, f"{text} b\n")


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidInput, match="no-such-program cannot be started"):
        run(["no-such-program"], env={}, timeout_s=1)


def test_one_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    with pytest.raises(PlatformFailed, match="did not end within 1 s") as failure:
        linger(tmp_path, timeout_s=1)
    assert "`deploytool status`" in failure.value.hint
    assert ended(tmp_path) == []


def test_programs_have_so_long_together_whatever_each_may_take(tmp_path: Path) -> None:
    began = time.monotonic()

    def fault(name: str) -> str:
        try:
            return linger(tmp_path, name)
        except DeployError as error:
            return error.hint

    with within(0.5), within(60):
        # More than there are threads: of the last ones none is waited for.
        hints = at_once(fault, [str(n) for n in range(20)])
    assert all("`--timeout` gives it longer" in hint for hint in hints)
    assert time.monotonic() - began < LONG_S
    assert linger(tmp_path, "after", seconds=0) == ""


def test_who_interrupts_waits_for_none_of_the_programs(tmp_path: Path) -> None:
    def interrupt() -> None:
        while len(list(tmp_path.glob("began-*"))) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    told: list[str] = []
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        at_once(
            lambda name: linger(tmp_path, name, seconds=LONG_S + 20),
            ["one", "two"],
            on_interrupt=lambda: told.append("interrupted"),
        )
    watcher.join()
    assert time.monotonic() - began < LONG_S + 10
    assert told == ["interrupted"]


def test_what_one_raises_ends_the_others(tmp_path: Path) -> None:
    def work(name: str) -> str:
        if name == "bad":
            raise PlatformFailed("bad")
        return linger(tmp_path, name)

    with pytest.raises(PlatformFailed, match="bad"):
        at_once(work, ["bad", "good"])
    assert ended(tmp_path) == []


def test_what_clears_away_is_run_though_the_time_is_over_or_nobody_waits(tmp_path: Path) -> None:
    def work(name: str) -> None:
        if name == "bad":
            while not (tmp_path / "began-good").exists():
                time.sleep(0.05)
            raise PlatformFailed("bad")
        linger(tmp_path, name)
        with regardless():
            linger(tmp_path, f"clears-{name}", seconds=0.1)

    with pytest.raises(PlatformFailed, match="bad"):
        at_once(work, ["bad", "good"])
    with within(0), regardless():
        linger(tmp_path, "late", seconds=0.1)
    assert ended(tmp_path) == ["ended-clears-good", "ended-late"]


def test_what_comes_of_each_is_returned_in_its_order() -> None:
    assert at_once(lambda n: n * n, range(40)) == [n * n for n in range(40)]


def test_what_looks_after_a_program_can_end_it(tmp_path: Path) -> None:
    def look() -> None:
        raise PlatformFailed("seen enough")

    argv = [sys.executable, "-c", LINGER, str(tmp_path), str(LONG_S), "one"]
    with pytest.raises(PlatformFailed, match="seen enough"):
        run_watched(argv, env=dict(os.environ), look=look)
    assert ended(tmp_path) == []


def test_the_environment_of_others_has_nothing_of_this_tool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PEX_ROOT", "__PEX_UNVENDORED__", "DEPLOYTOOL_PACKAGE", "SOME_LOGIN"):
        monkeypatch.setenv(name, "set")
    assert {"PEX_ROOT", "__PEX_UNVENDORED__", "DEPLOYTOOL_PACKAGE"}.isdisjoint(outer_environment())
    assert outer_environment()["SOME_LOGIN"] == "set"
