"""What the engine's words mean."""

from datetime import UTC, datetime

from deploytool.platforms.compose.engine import lines_until
from deploytool.platforms.docker_client import last_line

WRITTEN = [
    "2026-11-25T04:31:48.507631433Z out of ink",
    "2026-11-25T04:31:48.900000000Z ",
    "2026-11-25T04:31:50.000000001Z starting again",
]


def test_the_last_words_are_those_before_the_process_of_now() -> None:
    restarted = datetime(2026, 11, 25, 4, 31, 49, tzinfo=UTC).timestamp()
    assert lines_until(WRITTEN, restarted) == ["out of ink"]
    assert lines_until(WRITTEN, None) == ["out of ink", "starting again"]


def test_the_cause_stands_in_the_last_line() -> None:
    assert last_line("a warning\nno such image\n\n") == "no such image"
    assert last_line("") == ""
