"""Lines of `docker compose logs`."""

from deploytool.platforms.base import LogLine, Role
from deploytool.platforms.compose.logs import limits, parse_line

SERVICES = {"web": ("web", Role.STABLE), "web-canary": ("web", Role.CANARY)}


def test_a_line_tells_who_wrote_it() -> None:
    assert parse_line("web-1  | hello\n", SERVICES) == LogLine("web", Role.STABLE, "hello")
    assert parse_line("web-canary-1  | a | b\n", SERVICES) == LogLine("web", Role.CANARY, "a | b")
    assert parse_line("\x1b[2Kweb-1  | hello\n", SERVICES) == LogLine("web", Role.STABLE, "hello")


def test_lines_of_others_are_left_out() -> None:
    assert parse_line("store-1  | hello\n", SERVICES) is None
    assert parse_line("a warning\n", SERVICES) is None


def test_limits_become_options_of_compose() -> None:
    assert limits(50, None, follow=True) == ["--tail=50", "--follow"]
    assert limits(None, 90.2, follow=False) == ["--tail=all", "--since=91s"]
