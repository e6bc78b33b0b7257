"""Programs: what supervisord runs. Pure descriptions and their rendering; nothing is started."""

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from deploytool.errors import ExitCode
from deploytool.platforms.base import Role

# Seconds; a program that ends again and again within the window is started ever more slowly.
_CRASH_WINDOW_S = 60
_LONGEST_PAUSE_S = 10
# Stands in a program's log before what each of its processes writes.
START_MARK = "----- process starts -----"
# Of this tool: it has ended by itself, and said why.
_EXIT_CODES = sorted(code for name, code in vars(ExitCode).items() if name.isupper())
_EXIT = re.compile(r"exited: (?P<name>\S+) \((?P<how>[^;)]*)")


class Program(BaseModel):
    """One supervised process.

    revision: "" for what has none. port: where it listens on 127.0.0.1. stop_s: how long it may
    take to end before it is killed. config: text of a configuration file that argv names, so that
    a change of it is a change of the program.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    component: str
    role: Role
    revision: str = ""
    port: int
    argv: tuple[str, ...]
    environment: dict[str, str]
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_s: float
    config: str = ""

    @property
    def name(self) -> str:
        """The name under which supervisord knows it; a component's name holds no dot."""
        return f"{self.component}.{self.role}"


@dataclass(frozen=True, slots=True)
class Task:
    """This tool at work, supervised: one process that ends by itself when its work is done.

    name: holds no dot, as opposed to a program's. folder: where it works.
    """

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: Path
    stop_s: float

    @property
    def log(self) -> str:
        """The name of the file that holds what it wrote."""
        return f"{self.name}.log"


def log_name(component: str, role: Role) -> str:
    """Return the name of the file that holds what an instance wrote."""
    return f"{component}-{role}.log"


def render_section(program: Program) -> str:
    """Return supervisord's section. Paths are relative to its working folder, the state folder.

    startsecs 0 keeps supervisord from ever giving up; the pace of restarts is the launcher's.
    """
    return f"""\
[program:{program.name}]
command = /bin/sh supervisor/programs/{program.name}.sh
autostart = true
autorestart = true
startsecs = 0
stopsignal = {program.stop_signal}
stopwaitsecs = {math.ceil(program.stop_s)}
{_section_end(log_name(program.component, program.role))}"""


def render_task_section(task: Task) -> str:
    """Return supervisord's section of a task: started again only when it was killed.

    Not started by supervisord itself: what a new supervisord finds is a person's to resume.
    """
    return f"""\
[program:{task.name}]
command = /bin/sh supervisor/programs/{task.name}.sh
autostart = false
autorestart = unexpected
exitcodes = {",".join(map(str, _EXIT_CODES))}
startsecs = 0
stopwaitsecs = {math.ceil(task.stop_s)}
{_section_end(task.log)}"""


def _section_end(log: str) -> str:
    return f"""\
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = %(here)s/../../logs/{log}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 2
"""


def render_launcher(program: Program | Task) -> str:
    """Return the script that becomes the program: it notes the start, and paces restarts.

    A program that is killed once is back at once; one that ends again and again waits as many
    seconds as it was started in the last minute.
    """
    exports = "\n".join(
        f"export {name}={shlex.quote(value)}" for name, value in sorted(program.environment.items())
    )
    place = f"cd {shlex.quote(str(program.folder))}\n" if isinstance(program, Task) else ""
    return f"""\
#!/bin/sh
umask 077
echo "{START_MARK}"
starts=supervisor/starts/{program.name}
pause=$(awk -v now="$(date +%s)" '
  $1 > now - {_CRASH_WINDOW_S} {{ n++ }}
  END {{ print (n > {_LONGEST_PAUSE_S} ? {_LONGEST_PAUSE_S} : n + 0) }}' "$starts" 2>/dev/null)
date +%s >> "$starts"
if [ "${{pause:-0}}" -gt 0 ]; then sleep "$pause"; fi
unset SUPERVISOR_ENABLED SUPERVISOR_GROUP_NAME SUPERVISOR_PROCESS_NAME SUPERVISOR_SERVER_URL
{exports}
{place}exec {shlex.join(program.argv)}
"""


def render_supervisord(*, port: int, username: str, password: str, is_root: bool) -> str:
    """Return supervisord's own configuration, a secret as it holds the password."""
    user = "user = root\n" if is_root else ""
    return f"""\
[supervisord]
logfile = %(here)s/supervisord.log
logfile_maxbytes = 10MB
logfile_backups = 2
pidfile = %(here)s/supervisord.pid
childlogdir = %(here)s
umask = 077
{user}
[inet_http_server]
port = 127.0.0.1:{port}
username = {username}
password = {password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files = programs/*.conf
"""


def last_words(lines: Sequence[str], count: int, *, is_restarted: bool) -> list[str]:
    """Return the last lines of the process that ended, from the end of the program's log.

    is_restarted: another process writes already, so what stands after the last mark is not its.
    """
    marks = [number for number, line in enumerate(lines) if line == START_MARK]
    if is_restarted and marks:
        lines = lines[: marks[-1]]
    return [line.strip() for line in lines if line.strip() and line != START_MARK][-count:]


def last_exit(log: Sequence[str], name: str) -> str:
    """Return how a program last ended, from supervisord's log; "" when it never did."""
    for line in reversed(log):
        match = _EXIT.search(line)
        if match and match["name"] == name:
            return match["how"]
    return ""
