"""A pod's last scrape put together from series, and its processes told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.traffic.prometheus import Series
from deploytool.traffic.scrapes import Processes, Scrape, Target, last_targets, scrape_of

TARGET = {"job": "edge", "instance": "10.0.0.1:9100", "pod": "edge-1"}
NAME = ("edge", "10.0.0.1:9100")


def up(*samples: tuple[float, int], **labels: str) -> Series:
    return Series({"__name__": "up", **TARGET, **labels}, [(at, str(v)) for at, v in samples])


def counter(*samples: tuple[float, int], name: str = "asked_total", **labels: str) -> Series:
    return Series({"__name__": name, **TARGET, **labels}, [(at, str(v)) for at, v in samples])


def test_a_pod_was_read_last_when_that_went_well() -> None:
    assert last_targets([up((1, 1), (2, 1), (3, 0))], "pod", 0) == {"edge-1": Target(NAME, 1, 2)}
    assert last_targets([up((1, 0))], "pod", 0) == {}


def test_a_target_at_another_address_follows_the_one_before() -> None:
    moved = up((4, 1), (5, 1), instance="10.0.0.9:9100")
    found = last_targets([moved, up((1, 1), (3, 1))], "pod", 0)
    assert found["edge-1"].name == ("edge", "10.0.0.9:9100")


def test_two_targets_side_by_side_are_refused_as_long_as_that_matters() -> None:
    both = [up((1, 1), (3, 1)), up((2, 1), (9, 1), job="other")]
    with pytest.raises(ValueError, match=r"pod edge-1 .* edge at .* other at "):
        last_targets(both, "pod", 2)
    assert last_targets(both, "pod", 4)["edge-1"].name[0] == "other"


def test_a_scrape_is_what_has_samples_of_its_very_moment() -> None:
    series = [
        counter((1, 3), (2, 4), code="200"),
        counter((1, 7), code="500"),  # not told any more
        counter((2, 9), code="200", job="other"),
        counter((2, 77), name="process_start_time_seconds"),
    ]
    scrape = scrape_of(series, Target(NAME, 1, 2))
    labels = 'code="200",instance="10.0.0.1:9100",job="edge",pod="edge-1"'
    assert scrape == Scrape(2, {f"asked_total{{{labels}}}": "4"}, 77)
    assert scrape.text == f"asked_total{{{labels}}} 4\n"


def test_labels_are_written_as_text_of_prometheus_has_them() -> None:
    [head] = scrape_of([counter((2, 1), path='a"b\\c\nd')], Target(NAME, 1, 2)).counters
    assert r'path="a\"b\\c\nd"' in head


def scrape(at: float, started: float | None = 1.0, **counters: int) -> Scrape:
    return Scrape(at, {name: str(value) for name, value in counters.items()}, started)


@pytest.mark.parametrize(
    ("after", "is_another"),
    [
        (scrape(2, a=5, b=1), False),
        # A gateway forgets the services that left its routes.
        (scrape(2, a=6), False),
        # The node's clock was set.
        (scrape(2, started=9.0, a=6, b=1), False),
        (scrape(2, started=9.0, a=2), True),
        (scrape(2, started=9.0, a=7), True),
        (scrape(2, started=None, a=2, b=1), True),
    ],
)
def test_a_process_is_another_when_it_counts_from_zero(after: Scrape, is_another: bool) -> None:
    processes = Processes()
    assert processes.follow("edge-1", scrape(1, a=5, b=1)) == ("edge-1 0", scrape(1, a=5, b=1))
    assert processes.follow("edge-1", after) == (f"edge-1 {int(is_another)}", after)


def test_an_older_scrape_than_before_is_left_aside() -> None:
    processes, latest = Processes(), scrape(5, a=5)
    processes.follow("edge-1", latest)
    assert processes.follow("edge-1", scrape(4, a=4)) == ("edge-1 0", latest)


# What a process counts until the next scrape, and whether another one is started before.
lives = st.lists(
    st.tuples(st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.integers(0, 9)}),
              st.booleans()),
    max_size=12,
)  # fmt: skip


@given(lives, st.booleans())
def test_over_all_processes_nothing_is_counted_twice_or_lost(
    lives: list[tuple[dict[str, int], bool]], does_tell_its_start: bool
) -> None:
    processes, last, number = Processes(), {}, 0
    counted = happened = {"a": 10, "b": 10}
    for at, (more, is_started) in enumerate([({"a": 0, "b": 0}, False), *lives]):
        if is_started:
            number += 1
            counted = {"a": 0, "b": 0}
        counted = {name: counted[name] + more[name] for name in more}
        happened = {name: happened[name] + more[name] for name in more}
        # One counter at least is lower than in the process before, as in all but moments of life.
        told = {**counted, "c": 100 * (len(lives) - number) + at}
        started = float(number) if does_tell_its_start else None
        process, latest = processes.follow("edge-1", scrape(at, started, **told))
        last[process] = latest
    for name, count in happened.items():
        assert sum(int(each.counters[name]) for each in last.values()) == count
