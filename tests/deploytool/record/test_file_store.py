"""State, lock and wishes as files: they survive a death at any moment, and say what is wrong."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import Locked, RecordFailed
from deploytool.record.file_store import FileStore, release_reserve, write_durably
from deploytool.record.store import Holder, TargetState, Wish
from deploytool.system.revision import Revision
from tests.full_disk import full_disk

HOLDER = Holder(
    user="ann", host="desk", pid=7, command="up", run="r1", since="2026-11-24T08:00:00+00:00"
)
STATE = TargetState(
    stable={"web": Revision(component="web", id="abc", artifact="ff", environment={"A": "1"})}
)

CANARY = Canary(
    run="r1",
    component="web",
    stable=Revision(component="web", id="abc", artifact="ff", environment={}),
    canary=Revision(component="web", id="def", artifact="fe", environment={}),
    steps=(10,),
    phase=Phase.OBSERVING,
    since=0.0,
)


def start_holder(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock, with a child that outlives it; wait until it does."""
    code = f"""
        import subprocess, sys, time
        from pathlib import Path
        from deploytool.record.file_store import FileStore
        from deploytool.record.store import Holder
        holder = Holder.model_validate_json({HOLDER.model_dump_json()!r})
        with FileStore(Path({str(folder)!r})).lock(holder):
            child = subprocess.Popen(["sleep", "60"])
            print(child.pid, flush=True)
            time.sleep(60)
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_the_state_is_empty_at_first_and_then_what_was_saved(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "new")
    assert store.load() == TargetState()
    store.save(STATE)
    assert FileStore(tmp_path / "new").load() == STATE
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"state.json", "reserve"}
    assert (tmp_path / "new/state.json").stat().st_mode & 0o777 == 0o600


def test_a_state_that_another_version_kept_is_read_without_its_evidence(tmp_path: Path) -> None:
    content = TargetState(canary=CANARY).model_dump(mode="json")
    content["canary"]["evidence"] = {"of": "another version"}
    (tmp_path / "state.json").write_text(json.dumps(content))
    assert FileStore(tmp_path).load() == TargetState(canary=CANARY)


def test_a_damaged_state_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"version": 1, "stab')
    with pytest.raises(RecordFailed) as failure:
        FileStore(tmp_path).load()
    assert "state.json" in failure.value.what
    assert "deploytool up" in failure.value.hint


def test_a_save_that_fails_leaves_the_state_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path)
    store.save(STATE)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordFailed) as failure:
        store.save(TargetState())
    assert "no space left" in failure.value.why
    assert store.load() == STATE
    assert {path.name for path in tmp_path.iterdir()} == {"state.json", "reserve"}


@pytest.mark.skipif(os.getuid() != 0, reason="to mount a file system needs root")
def test_on_a_full_disk_there_is_space_for_who_releases_the_reserve(tmp_path: Path) -> None:
    with full_disk(tmp_path / "disk") as (folder, fill):
        store = FileStore(folder)
        store.save(STATE)
        fill()
        with pytest.raises(RecordFailed, match="cannot be written"):
            store.save(TargetState())
        release_reserve(folder)
        store.save(TargetState())
        assert store.load() == TargetState()


def test_a_folder_that_cannot_be_made_is_a_failed_record(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordFailed):
        FileStore(tmp_path / "file").save(STATE)
    assert FileStore(tmp_path / "file").load() == TargetState()


def test_a_held_lock_names_its_holder_and_a_free_one_nobody(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    assert store.holder() is None
    with store.lock(HOLDER):
        assert FileStore(tmp_path).holder() == HOLDER
        with pytest.raises(Locked) as refusal, FileStore(tmp_path).lock(HOLDER):
            pass
        for part in ("ann@desk", "pid 7", "`up`", "since 2026-11-24T08:00:00"):
            assert part in refusal.value.why
    assert store.holder() is None
    with store.lock(HOLDER.model_copy(update={"user": "o"})):
        holder = store.holder()
        assert holder is not None
        assert holder.user == "o", "nothing of the longer earlier text is left"


def test_a_killed_holder_frees_the_lock_though_its_child_lives_on(tmp_path: Path) -> None:
    process = start_holder(tmp_path)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        assert FileStore(tmp_path).holder() == HOLDER
        process.kill()
        process.wait()
        assert FileStore(tmp_path).holder() is None
        with FileStore(tmp_path).lock(HOLDER):
            pass
    finally:
        os.kill(child, 9)
        process.stdout.close()


def test_asking_for_the_holder_does_not_keep_others_from_the_lock(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    with store.lock(HOLDER):
        pass
    with (tmp_path / "lock").open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        with pytest.raises(Locked), store.lock(HOLDER):
            pass
    with store.lock(HOLDER):
        pass


def test_a_lock_file_deleted_while_it_is_taken_is_not_held_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = fcntl.flock
    is_first = True

    def delete_before_the_first(file: int, how: int) -> None:
        nonlocal is_first
        if is_first:
            (tmp_path / "lock").unlink()
        is_first = False
        take(file, how)

    monkeypatch.setattr(fcntl, "flock", delete_before_the_first)
    with FileStore(tmp_path).lock(HOLDER):
        assert FileStore(tmp_path).holder() == HOLDER
        with pytest.raises(Locked), FileStore(tmp_path).lock(HOLDER):
            pass


def wish(since: str = "2026-11-24T08:01:00+00:00", run: str = HOLDER.run, by: str = "r2") -> Wish:
    return Wish(wanted="abort", run=run, by=by, user="bob", host="lap", since=since)


def post_from_another_process(folder: Path, posted: Wish) -> None:
    code = f"""
        from pathlib import Path
        from deploytool.record.file_store import FileStore
        from deploytool.record.store import Wish
        wish = Wish.model_validate_json({posted.model_dump_json()!r})
        FileStore(Path({str(folder)!r})).post_wish(wish)
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    subprocess.run(command, env=environment, check=True, timeout=30)


def test_a_wish_of_another_process_is_taken_once_and_durable_until_then(tmp_path: Path) -> None:
    assert FileStore(tmp_path / "new").take_wishes("r1") == ()
    post_from_another_process(tmp_path, wish())
    assert FileStore(tmp_path).take_wishes("r1") == (wish(),)
    assert FileStore(tmp_path).take_wishes("r1") == ()


def test_a_wish_to_another_run_is_ignored_and_gone(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.post_wish(wish(run="dead"))
    assert store.take_wishes("r1") == ()
    assert store.take_wishes("dead") == ()


def test_nobodys_wish_takes_the_place_of_anothers(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    wishes = (wish(by="r2"), wish(by="r3").model_copy(update={"wanted": "promote"}))
    for each in wishes:
        store.post_wish(each)
    assert store.take_wishes("r1") == wishes


def test_a_wish_that_another_version_posted_hinders_nobody(tmp_path: Path) -> None:
    (tmp_path / "wish-r2.json").write_text('{"wanted": "pause"}')
    FileStore(tmp_path).post_wish(wish(by="r3"))
    assert FileStore(tmp_path).take_wishes("r1") == (wish(by="r3"),)


def test_a_wish_that_is_posted_while_another_is_taken_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, read = FileStore(tmp_path), Path.read_bytes
    store.post_wish(wish(since="1"))

    def read_and_be_late(path: Path) -> bytes:
        content = read(path)
        monkeypatch.undo()
        FileStore(tmp_path).post_wish(wish(since="2"))
        return content

    monkeypatch.setattr(Path, "read_bytes", read_and_be_late)
    assert store.take_wishes("r1") == (wish(since="1"),)
    assert store.take_wishes("r1") == (wish(since="2"),)


def test_a_wish_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordFailed):
        FileStore(tmp_path / "file").post_wish(wish())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_durably(path, "long text")
    write_durably(path, "x", 0o640)
    assert path.read_text() == "x"
    assert list(tmp_path.iterdir()) == [path]
