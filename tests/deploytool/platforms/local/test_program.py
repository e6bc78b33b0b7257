"""Supervised programs as text: sections, launchers, and what the log says of their ends."""

import subprocess
from pathlib import Path

import pytest

from deploytool.platforms.base import Role
from deploytool.platforms.local.program import (
    START_MARK,
    Program,
    Task,
    last_exit,
    last_words,
    render_launcher,
    render_section,
    render_supervisord,
    render_task_section,
)


def program(*argv: str, **environment: str) -> Program:
    return Program(
        component="web",
        role=Role.CANARY,
        port=20001,
        argv=argv,
        environment=environment,
        stop_s=9.5,
    )


def launch(folder: Path, launched: Program | Task) -> str:
    (folder / "supervisor/starts").mkdir(parents=True, exist_ok=True)
    script = folder / "launch"
    script.write_text(render_launcher(launched))
    return subprocess.run(
        ["/bin/sh", str(script)],
        cwd=folder,
        env={"PATH": "/bin:/usr/bin", "SUPERVISOR_ENABLED": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout


@pytest.mark.parametrize("value", ["plain", "two words", 'it\'s $HOME `id` \\ "q"', "a\nb", "%d"])
def test_the_launcher_passes_arguments_and_environment_unchanged(
    tmp_path: Path, value: str
) -> None:
    shown = program("sh", "-c", 'printf "%s|%s" "$1" "$VALUE"', "sh", value, VALUE=value)
    assert launch(tmp_path, shown) == f"{START_MARK}\n{value}|{value}"


def test_the_launcher_hides_the_supervisor_and_notes_each_start(tmp_path: Path) -> None:
    assert "SUPERVISOR" not in launch(tmp_path, program("env"))
    launch(tmp_path, program("true"))
    assert len((tmp_path / "supervisor/starts/web.canary").read_text().split()) == 2


def test_the_section_stops_gracefully_for_as_long_as_declared_and_rotates_logs() -> None:
    section = render_section(program("true"))
    for line in (
        "[program:web.canary]",
        "autorestart = true",
        "stopsignal = TERM",
        "stopwaitsecs = 10",
        "stdout_logfile = %(here)s/../../logs/web-canary.log",
        "stdout_logfile_maxbytes = 10MB",
    ):
        assert line in section.splitlines()


def test_a_task_is_started_again_when_it_was_killed_but_not_when_it_has_ended(
    tmp_path: Path,
) -> None:
    task = Task("tool", ("pwd",), {}, folder=tmp_path / "it's here", stop_s=15)
    section = render_task_section(task).splitlines()
    for line in (
        "[program:tool]",
        "autostart = false",
        "autorestart = unexpected",
        "exitcodes = 0,1,2,3,4,5,6,130",
        "stdout_logfile = %(here)s/../../logs/tool.log",
    ):
        assert line in section
    task.folder.mkdir()
    assert launch(tmp_path, task) == f"{START_MARK}\n{task.folder}\n"


def test_supervisord_listens_on_loopback_and_asks_for_a_password() -> None:
    text = render_supervisord(port=20009, username="u", password="p", is_root=False)
    assert "port = 127.0.0.1:20009\nusername = u\npassword = p\n" in text
    assert "user = root" not in text


def test_the_last_exit_is_the_programs_own() -> None:
    log = [
        "2026-11-24 08:00:00,1 WARN exited: web.canary (exit status 3; not expected)",
        "2026-11-24 08:00:01,1 WARN exited: web.canary (terminated by SIGKILL; not expected)",
        "2026-11-24 08:00:02,1 WARN exited: web.stable (exit status 1; not expected)",
        "2026-11-24 08:00:03,1 INFO spawned: 'web.canary' with pid 9",
    ]
    assert last_exit(log, "web.canary") == "terminated by SIGKILL"
    assert last_exit(log, "other") == ""


def test_the_last_words_are_those_of_the_process_that_ended() -> None:
    log = [START_MARK, "served", "fatal: no memory", START_MARK, "serving again"]
    assert last_words(log, 1, is_restarted=True) == ["fatal: no memory"]
    assert last_words(log, 2, is_restarted=False) == ["fatal: no memory", "serving again"]
