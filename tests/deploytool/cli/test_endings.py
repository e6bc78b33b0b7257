"""How a command ends when its output, its record or deploytool itself fails."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.cli.commands import abort as abort_command
from deploytool.cli.commands import status as status_command
from deploytool.cli.main import cli
from deploytool.cli.options import Options
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode, ToolFault
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.platforms.local.platform import LocalPlatform
from deploytool.record.file_store import FileStore, write_durably
from deploytool.record.history import read_history
from deploytool.record.store import TargetState
from deploytool.system.revision import revision_of
from tests.full_disk import full_disk

OPTIONS = Options(target="local", is_json=False, is_sure=False, timeout_s=1)
CANARY = Canary(
    run="first",
    component="new-microservice",
    stable=revision_of("new-microservice", "aa", {}),
    canary=revision_of("new-microservice", "bb", {}),
    steps=(10, 50),
    phase=Phase.OBSERVING,
    since=0.0,
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on whose local target nothing was deployed."""
    shutil.copytree("deploy", tmp_path / "deploy")
    (tmp_path / "logs").mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
    # As people have it: what is not read waits in a buffer for the end of the process.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def deploytool(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploytool.cli.main", *arguments],
        text=True, timeout=60, check=False, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


@pytest.mark.skipif(os.getuid() != 0, reason="to mount a file system needs root")
def test_a_full_disk_under_the_log_keeps_nobody_from_status_and_abort(repository: Path) -> None:
    with full_disk(repository / "logs", size_kb=64) as (_, fill):
        fill()
        status = deploytool("status", stdout=subprocess.PIPE)
        assert (status.returncode, "nothing is deployed" in status.stdout) == (0, True)
        assert "No space left on device; this command is not on record" in status.stderr
        abort = deploytool("abort")
        assert "there is no canary" in abort.stderr
        kept = repository / ".deploytool" / "local" / "operations.log"
        assert f"this command is on record in {kept}" in abort.stderr
        refused = deploytool("up")
        assert (refused.returncode, "record-failed" in refused.stderr) == (1, True)
    # The next command that can write to the log brings it back.
    assert deploytool("status").returncode == 0
    commands = read_history(repository / "logs" / "operations.log").commands
    assert [past.command for past in commands] == ["abort", "status"]


class Serving:
    """A platform in its state folder: the router reads its weight from there."""

    def __init__(self, folder: Path) -> None:
        self.store = FileStore(folder)
        self._weight = folder / "weight"

    def prepare(self) -> None:
        """Nothing is lacking."""

    def instance(self, component: str, role: Role) -> Instance:
        return Instance(component, role, "", Condition.READY, "")

    def weight(self, _component: str) -> int:
        return int(self._weight.read_text())

    def set_weight(self, _component: str, percent: int, _deadline_s: float) -> None:
        write_durably(self._weight, str(percent))

    def stop(self, _component: str, _role: Role) -> None:
        """Nothing runs."""


@pytest.mark.skipif(os.getuid() != 0, reason="to mount a file system needs root")
def test_abort_brings_visitors_back_where_log_and_state_are_on_one_full_disk(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    state = repository / ".deploytool" / "local"
    with full_disk(repository / ".deploytool", size_kb=3072) as (disk, fill):
        (repository / "logs").rmdir()
        (repository / "logs").symlink_to(disk / "logs")
        (disk / "logs").mkdir()
        target = Serving(state)
        target.store.save(TargetState())
        target.set_weight("new-microservice", 50, 1)
        target.store.save(TargetState(canary=CANARY))
        fill()
        with pytest.raises(OSError, match="No space left"):
            target.set_weight("new-microservice", 0, 1)
        monkeypatch.setattr("deploytool.cli.session.open_platform", lambda *_, **__: opened(target))
        assert abort_command.command.main([], standalone_mode=False) == ExitCode.DONE
        assert target.weight("new-microservice") == 0
        assert target.store.load().canary is None
        assert (state / "reserve").is_file() is False
        (disk / "filling").unlink()
        target.store.save(target.store.load())
        assert (state / "reserve").is_file()
    assert "rolled back: new-microservice" in capfd.readouterr().out


@contextmanager
def opened(target: Serving) -> Iterator[Serving]:
    yield target


def test_a_result_that_nobody_reads_changes_nothing_in_the_exit_code(repository: Path) -> None:
    for arguments in (["status"], ["status", "--output", "json"]):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as gone:
            ended = deploytool(*arguments, stdout=gone)
        assert ended.returncode == 0
        assert ended.stderr == "note: the result cannot be printed: Broken pipe\n"
    assert [past.result for past in read_history(log(repository)).commands] == ["ok", "ok"]


def test_a_terminal_that_goes_away_is_an_interruption_on_record(repository: Path) -> None:
    # Nothing is built: the program is stopped before it finds out.
    program = "import signal, sys, time, deploytool.operations.context as context\n"
    # As a terminal leaves it: whoever runs these tests may ignore it.
    program += "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    program += "context.Context.service = lambda *_: (print(flush=True), time.sleep(60))\n"
    program += "from deploytool.cli.main import main; main()"
    arguments = [sys.executable, "-c", program, "canary", "new-microservice"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)
    assert process.returncode == 130
    [past] = read_history(log(repository)).commands
    assert (past.result, past.exit_code) == ("interrupted", 130)


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_an_exception_that_nobody_had_expected_is_one_line_with_a_way_out(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    debug: tuple[str, ...],
) -> None:
    def faulty(_: object) -> None:
        raise ZeroDivisionError("division by zero\nin two lines")

    monkeypatch.setattr(status_command, "status", faulty)
    code = status_command.command.main([*debug], standalone_mode=False)
    errors = capsys.readouterr().err
    assert code == 1
    assert "error: tool-fault\n  what:  ZeroDivisionError: division by zero\n" in errors
    assert "a fault of deploytool itself, at test_endings.py:" in errors
    assert "`deploytool status` shows where it stands; with --debug" in errors
    assert ("Traceback" in errors) is bool(debug)
    [past] = read_history(log(repository)).commands
    assert past.reason.startswith("ZeroDivisionError: division by zero: this is a fault")


def test_it_names_the_canary_that_it_leaves_half_way(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del repository
    store = SimpleNamespace(holder=lambda: None, load=lambda: TargetState(canary=CANARY))
    monkeypatch.setattr(LocalPlatform, "store", store)
    with pytest.raises(ToolFault) as fault, open_session(OPTIONS, "canary"):
        raise KeyError("weight")
    assert fault.value.what == "KeyError: 'weight'"
    assert "the canary of new-microservice is left at step 1/2" in fault.value.note
    assert fault.value.hint.startswith(
        "`deploytool resume` goes on, `deploytool abort` takes the canary back"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["rollback", "new-microservice", "--to", ""],
        ["rollback", ""],
        ["canary", " "],
        ["report", ""],
        ["replay", ""],
        ["status", "--target", ""],
        ["--target", "", "status"],
    ],
)
def test_an_empty_name_is_refused_and_not_taken_for_none(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(click.BadParameter) as refused:
        cli.main(arguments, standalone_mode=False)
    assert refused.value.exit_code == ExitCode.USAGE
    assert "it is empty" in refused.value.format_message()
    assert capsys.readouterr().out == ""


def log(repository: Path) -> Path:
    return repository / "logs" / "operations.log"
