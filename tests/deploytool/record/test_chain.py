"""Whatever is done to a log afterwards, the chain names the first line that it was done to."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.record.chain import Chain, check
from deploytool.record.event import Event
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin

LINES = 8
PATH = Path("operations.log")


def journal(log: Path) -> Journal:
    clock = itertools.count(1_795_000_000.0)
    return Journal(
        log, Origin("run", "ada", "desk", "1.0", "", "local", "canary"), (), clock.__next__
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    log = tmp_path_factory.mktemp("chain") / "operations.log"
    writer = journal(log)
    for number in range(LINES - 1):
        writer.record(Event("observation", reason="é", details={"number": number, "e": 0.1}))
    return log.read_bytes()


def named(content: bytes) -> int | None:
    """The line that the check names, whether as broken or as torn."""
    chain = check(content, PATH)
    damages = [*chain.torn, *([chain.broken] if chain.broken else [])]
    return damages[0].place.line if damages else None


def test_a_log_as_it_was_written_is_whole(written: bytes) -> None:
    assert check(written, PATH) == Chain(LINES, (), None)
    assert check(b"", PATH) == Chain(0, (), None)


@given(data=st.data())
def test_any_changed_byte_is_found_and_its_line_named(written: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(written) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != written[position]))
    changed = written[:position] + bytes([byte]) + written[position + 1 :]
    assert named(changed) == written[:position].count(b"\n") + 1


@given(data=st.data())
def test_any_inserted_or_missing_byte_is_found(written: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(written) - 2))
    line = written[:position].count(b"\n") + 1
    byte = data.draw(st.integers(0, 255))
    # A second line break behind a line is a line of its own; one before a line is this line's.
    assert named(written[:position] + bytes([byte]) + written[position:]) == line
    assert named(written[:position] + written[position + 1 :]) == line


@given(index=st.integers(0, LINES - 2))
def test_a_removed_line_is_found_where_it_was(written: bytes, index: int) -> None:
    lines = written.splitlines(keepends=True)
    assert named(b"".join(lines[:index] + lines[index + 1 :])) == index + 1


@given(index=st.integers(0, LINES - 1), at=st.integers(0, LINES))
def test_a_line_that_is_there_twice_is_found(written: bytes, index: int, at: int) -> None:
    lines = written.splitlines(keepends=True)
    copied = b"".join([*lines[:at], lines[index], *lines[at:]])
    # Beside itself, its second place is the wrong one.
    assert named(copied) == (at + 2 if at == index else at + 1)


@given(pair=st.lists(st.integers(0, LINES - 1), min_size=2, max_size=2, unique=True))
def test_swapped_lines_are_found(written: bytes, pair: list[int]) -> None:
    lines = written.splitlines(keepends=True)
    first, second = sorted(pair)
    lines[first], lines[second] = lines[second], lines[first]
    assert named(b"".join(lines)) == first + 1


def test_a_cut_off_end_is_not_seen_by_the_chain_alone(written: bytes) -> None:
    lines = written.splitlines(keepends=True)
    assert check(b"".join(lines[:5]), PATH) == Chain(5, (), None)


@pytest.mark.parametrize("left", [1, 40, -76, -2, -1])
def test_the_chain_goes_on_after_a_writer_that_was_killed_in_the_middle_of_a_line(
    tmp_path: Path, written: bytes, left: int
) -> None:
    log = tmp_path / "operations.log"
    lines = written.splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]) + lines[-1][:left])
    for _ in range(2):
        journal(log).record(Event("ready"))
    content = log.read_bytes()
    chain = check(content, log)
    assert chain.broken is None
    # Of a line that lacks nothing but its line break, nothing is lost.
    is_whole = left == -1
    assert [damage.place.line for damage in chain.torn] == ([] if is_whole else [LINES])
    assert chain.lines == LINES + 1 + is_whole
    torn_at = len(b"".join(lines[:-1]))
    changed = content[:torn_at] + b"[" + content[torn_at + 1 :]
    assert named(changed) == LINES
    assert check(changed, log).broken is not None


def test_a_torn_end_is_named_though_no_line_came_after_it(written: bytes) -> None:
    chain = check(written[:-20], PATH)
    assert [str(damage.place) for damage in chain.torn] == [f"{PATH}:{LINES}"]
    assert (chain.lines, chain.broken) == (LINES - 1, None)


def test_a_line_much_longer_than_the_end_that_is_read_at_first_is_gone_on_from(
    tmp_path: Path,
) -> None:
    log = tmp_path / "operations.log"
    for size in (0, 1_000_000, 0):
        journal(log).record(Event("note", reason="x" * size))
    assert check(log.read_bytes(), log) == Chain(4, (), None)


def test_a_log_that_was_moved_away_begins_a_new_chain(tmp_path: Path) -> None:
    log = tmp_path / "operations.log"
    writer = journal(log)
    writer.record(Event("waiting"))
    log.rename(tmp_path / "moved.log")
    writer.record(Event("ready"))
    assert check(log.read_bytes(), log) == Chain(2, (), None)
