"""What INVENTORY_FAULT may say."""

import re

import pytest

from new_microservice.faults import (
    Crash,
    ErrorShare,
    ExitAtStart,
    Fault,
    Latency,
    RefusedShare,
    Unready,
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
        ("exit", ExitAtStart()),
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
        ("refuse", "refuse takes a share from 0 to 1, as in refuse:0.05, not ''"),
        ("latency:0.2", "latency takes milliseconds, as in latency:200ms, not '0.2'"),
        ("crash:0", "crash takes a request number from 1, as in crash:5, not '0'"),
        ("crash:", "crash takes a request number from 1, as in crash:5, not ''"),
        (
            "unready:1",
            "'unready:1' is not a fault; know"
            " error:0.05, refuse:0.5, latency:200ms, crash, crash:N, unready or exit",
        ),
    ],
)
def test_everything_else_is_named_and_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        parse_fault(text)
