"""What an interrupted command says, and what can be left behind."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.cli.options import Options
from deploytool.cli.session import interruption, open_session, packaged_tool
from deploytool.errors import ExitCode, Interrupted, InvalidInput, PlatformFailed
from deploytool.system.revision import Revision, revision_of


def revision(digest: str) -> Revision:
    return revision_of("inventory", digest, {})


def test_an_interrupted_canary_is_named_with_the_state_it_is_left_in() -> None:
    canary = Canary(
        run="20261124T075500-3f2a",
        component="inventory",
        stable=revision("aa"),
        canary=revision("bb"),
        steps=(10, 25, 50),
        step=1,
        phase=Phase.OBSERVING,
        since=0.0,
    )
    error = interruption(canary)
    assert error.exit_code == ExitCode.INTERRUPTED
    assert error.what == "the canary of inventory is left at step 2/3, observing"
    assert canary.stable.id in error.note
    assert "`deploytool resume`" in error.hint
    assert "`deploytool abort`" in error.hint


def test_without_a_canary_it_points_to_the_status() -> None:
    error = interruption(None)
    assert error.exit_code == ExitCode.INTERRUPTED
    assert "deploytool status" in error.hint


def test_only_a_packaged_tool_can_be_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEX", "/built/tool.pex")
    assert packaged_tool() == Path("/built/tool.pex")
    monkeypatch.delenv("PEX")
    with pytest.raises(InvalidInput) as refusal:
        packaged_tool()
    assert "./pants run deploytool" in refusal.value.hint


def test_an_interruption_stays_one_where_nobody_can_tell_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def holder() -> None:
        raise PlatformFailed("the API server does not answer", why="it is away", hint="wait")

    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(store=SimpleNamespace(holder=holder))

    shutil.copytree("deploy", tmp_path / "deploy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("deploytool.cli.session.open_platform", opened)
    options = Options(target="local", is_json=False, is_sure=False, timeout_s=1)
    with pytest.raises(Interrupted) as interrupted, open_session(options, "status"):
        raise KeyboardInterrupt
    assert "deploytool status" in interrupted.value.hint
