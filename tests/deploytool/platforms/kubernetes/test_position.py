"""What of an answer is new, wherever the last one ended and the next one begins."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deploytool.platforms.kubernetes.position import Answer, Position, text_of

BEGAN = datetime(2026, 3, 29, 0, 59, 58, tzinfo=UTC)


def raw(after_us: int, text: str) -> bytes:
    """A line as the API yields it, written so many microseconds after the first one."""
    stamp = BEGAN + timedelta(microseconds=after_us)
    return f"{stamp:%Y-%m-%dT%H:%M:%S.%f}000Z {text}".encode()


def file_of(steps: list[int]) -> list[bytes]:
    """A log whose lines were written so many microseconds after one another; 0: at once."""
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    # Equal times with equal texts among them.
    return [raw(time, str(time % 3)) for time in times]


STEPS = st.lists(st.sampled_from([0, 0, 1, 400, 300_000, 2_500_000]), min_size=1, max_size=60)


def asked(file: list[bytes], since: str | None) -> list[bytes]:
    """What the API answers: whole seconds, as the kubelet has them."""
    return file if since is None else [line for line in file if line[:19] >= since[:19].encode()]


def read(position: Position, lines: list[bytes]) -> list[bytes]:
    fresh = Answer(position).fresh(lines)
    position.advance(fresh)
    return fresh


@given(STEPS, st.data())
def test_every_line_comes_once_however_often_reading_is_cut(
    steps: list[int], data: st.DataObject
) -> None:
    file = file_of(steps)
    ends = sorted(data.draw(st.lists(st.integers(0, len(file)), max_size=6)))
    position = Position()
    found = [
        line
        for end in [*ends, len(file)]
        for line in read(position, asked(file[:end], position.since))
    ]
    assert found == file


@given(STEPS, st.data())
def test_it_is_the_same_in_whatever_batches_an_answer_comes(
    steps: list[int], data: st.DataObject
) -> None:
    file = file_of(steps)
    seen, cut = (data.draw(st.integers(0, len(file))) for _ in range(2))
    position = Position()
    position.advance(file[:seen])
    lines = asked(file, position.since)
    answer = Answer(position)
    assert answer.fresh(lines[:cut]) + answer.fresh(lines[cut:]) == file[seen:]


@given(STEPS, st.data())
def test_an_answer_from_a_rotated_file_is_all_new_and_does_not_hold_on(
    steps: list[int], data: st.DataObject
) -> None:
    file = file_of(steps)
    seen = data.draw(st.integers(1, len(file)))
    position = Position()
    position.advance(file[:seen])
    newer = [raw(sum(steps) + 1 + n, "newer") for n in range(3)]
    answer = Answer(position)
    assert answer.fresh(asked(newer, position.since)) == newer
    assert not answer.is_continued
    assert answer.fresh([]) == []


def test_neighbours_may_have_been_written_in_the_other_order() -> None:
    file = [raw(0, "a"), raw(10, "of stderr"), raw(7, "of stdout"), raw(9, "b"), raw(20, "c")]
    for seen in range(1, len(file)):
        position = Position()
        position.advance(file[:seen])
        answer = Answer(position)
        assert answer.fresh(file) == file[seen:]
        assert answer.is_continued


def test_a_long_log_is_remembered_by_its_end_alone() -> None:
    file = [raw(n * 100, "x" * 5000 + str(n)) for n in range(5000)]
    position = Position()
    for n in range(0, 5000, 1000):
        position.advance(file[n : n + 1000])
    assert len(position.last) == 1024
    assert max(map(len, position.last)) == 128
    more = [raw(5000 * 100, "more")]
    assert read(position, asked(file + more, position.since)) == more


def test_the_zone_of_the_node_may_change_between_lines() -> None:
    winter = b"2026-03-29T01:59:59.900000000+01:00 winter"
    summer = b"2026-03-29T03:00:00.100000000+02:00 summer"
    position = Position()
    assert read(position, [winter]) == [winter]
    assert position.since == "2026-03-29T00:59:58Z"
    assert read(position, [winter, summer]) == [summer]


def test_a_complaint_of_the_kubelet_is_no_line() -> None:
    position = Position()
    assert read(position, [b"unable to retrieve container logs for containerd://1", b""]) == []
    assert position.is_blank
    assert position.since is None


def test_the_time_of_a_line_is_not_its_text() -> None:
    assert text_of(raw(0, "a b")) == "a b"
    assert text_of(raw(0, "")) == ""
    assert text_of(raw(0, "") + b"\xff") == "\ufffd"
