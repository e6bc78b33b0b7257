"""PostgreSQL's commands."""

from pathlib import Path

from deploytool.platforms.local.database import server_argv, without_root


def test_the_server_listens_on_loopback_tcp_alone() -> None:
    argv = server_argv(Path("/bin/postgres"), Path("/data"), 20001)
    assert argv[:5] == ("/bin/postgres", "-D", "/data", "-p", "20001")
    assert "listen_addresses=127.0.0.1" in argv
    assert "unix_socket_directories=" in argv


def test_root_gives_up_all_but_the_right_to_reach_its_files() -> None:
    argv = without_root(["postgres", "-D", "x"])
    assert argv[0] == "setpriv"
    assert argv[-3:] == ("postgres", "-D", "x")
    assert {"--reuid=65534", "--no-new-privs", "--bounding-set=-all,+dac_override"} <= set(argv)
