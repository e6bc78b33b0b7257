"""What INVENTORY_FAULT may say."""

import re

import pytest

from new_microservice.faults import (
    BodyShare,
    Crash,
    ErrorShare,
    Exit,
    Fault,
    HangShare,
    Late,
    Latency,
    Leak,
    RefusedShare,
    SlowBodyShare,
    StatusShare,
    Unready,
    begun,
    parse_fault,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("error:0.05", ErrorShare(0.05)),
        ("error:1", ErrorShare(1.0)),
        ("refuse:0.5", RefusedShare(0.5)),
        ("latency:200ms", Latency(0.2)),
        ("crash", Crash(20)),
        ("crash:3", Crash(3)),
        ("unready", Unready()),
        ("exit", Exit()),
        ("status:404:0.2", StatusShare(404, 0.2)),
        ("status:302:1", StatusShare(302, 1)),
        ("hang:0.02", HangShare(0.02)),
        ("body:0.2", BodyShare(0.2)),
        ("slowbody:3000ms:0.05", SlowBodyShare(3, 0.05)),
        ("leak:50mb", Leak(50 * 2**20)),
        ("late:60s:error:1", Late(60, ErrorShare(1))),
        ("late:3s:slowbody:3000ms:0.05", Late(3, SlowBodyShare(3, 0.05))),
        ("late:3s:crash", Late(3, Crash(20))),
    ],
)
def test_each_form_is_understood(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("error", "error takes a share from 0 to 1, as in error:0.05, not ''"),
        ("error:5%", "error takes a share from 0 to 1, as in error:0.05, not '5%'"),
        ("error:1.5", "error takes a share from 0 to 1, as in error:0.05, not '1.5'"),
        ("error:nan", "error takes a share from 0 to 1, as in error:0.05, not 'nan'"),
        ("refuse", "refuse takes a share from 0 to 1, as in refuse:0.5, not ''"),
        ("latency:0.2", "latency takes milliseconds, as in latency:200ms, not '0.2'"),
        ("crash:0", "crash takes a request number from 1, as in crash:5, not '0'"),
        ("crash:", "crash takes a request number from 1, as in crash:5, not ''"),
        (
            "status:404",
            "status takes a status from 300 to 599 and a share from 0 to 1, as in status:404:0.2,"
            " not '404'",
        ),
        (
            "status:200:0.2",
            "status takes a status from 300 to 599 and a share from 0 to 1, as in status:404:0.2,"
            " not '200:0.2'",
        ),
        ("hang", "hang takes a share from 0 to 1, as in hang:0.02, not ''"),
        ("body:2", "body takes a share from 0 to 1, as in body:0.2, not '2'"),
        (
            "slowbody:3s:1",
            "slowbody takes milliseconds and a share from 0 to 1, as in slowbody:3000ms:0.05,"
            " not '3s:1'",
        ),
        ("leak:1gb", "leak takes megabytes from 1 to 999, as in leak:50mb, not '1gb'"),
        ("late:60s", "late takes seconds and another fault, as in late:60s:error:1, not '60s'"),
        (
            "late:1s:late:2s:crash",
            "late takes seconds and another fault, as in late:60s:error:1, not '1s:late:2s:crash'",
        ),
        (
            "late:1s: late:2s:crash",
            "late takes seconds and another fault, as in late:60s:error:1, not '1s: late:2s:crash'",
        ),
        ("late:60s:error", "error takes a share from 0 to 1, as in error:0.05, not ''"),
        ("unready:1", "unready takes no argument, not '1'"),
        (
            "slow",
            "'slow' is not a fault; know error:0.05, status:404:0.2, body:0.2, refuse:0.5,"
            " latency:200ms, hang:0.02, slowbody:3000ms:0.05, leak:50mb, crash:5,"
            " late:60s:error:1, crash, unready, exit",
        ),
    ],
)
def test_everything_else_is_named_and_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        parse_fault(text)


def test_a_late_fault_begins_when_the_process_is_so_old() -> None:
    late = parse_fault("late:60s:error:1")
    assert begun(late, 59.9) is None
    assert begun(late, 60) == ErrorShare(1)
    assert begun(ErrorShare(1), 0) == ErrorShare(1)
    assert begun(None, 60) is None
