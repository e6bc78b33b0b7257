"""supervisord of one state folder: started once, outliving this tool, told what to run."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from deploytool.errors import NotReady, PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.files import disk, read, write
from deploytool.platforms.local import orphans
from deploytool.platforms.local.folder import MARKER, StateFolder, is_root
from deploytool.platforms.local.program import (
    Program,
    Task,
    last_exit,
    render_launcher,
    render_section,
    render_supervisord,
    render_task_section,
)
from deploytool.platforms.local.supervisor_api import PORT, SECRET, USER, SupervisorApi
from deploytool.platforms.local.tools import Tools
from deploytool.platforms.ports import Ports
from deploytool.platforms.secrets import Secrets
from deploytool.programs import run

_START_S = 20.0
_POLL_S = 0.05
# What a program may take beyond its own limit, to be killed and reaped.
_KILL_S = 5.0
_LOG_TAIL_BYTES = 64 * 1024
_ENDED = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Running:
    """How a program runs.

    started: unix seconds of its current process' start, None when it has none. restarts: unplanned
    ones since it was started. last_exit: how it ended before the last of these.
    """

    started: float | None
    restarts: int
    last_exit: str


class Supervisor:
    """The supervisord of a state folder."""

    def __init__(self, folder: StateFolder, ports: Ports, secrets: Secrets) -> None:
        self._folder = folder
        self._ports = ports
        self._secrets = secrets
        self._api = SupervisorApi(folder, ports, secrets)

    def is_running(self) -> bool:
        """Tell whether it answers."""
        return self._api.is_running()

    def ensure(self, tools: Tools) -> None:
        """Start it unless it runs; it then runs every program kept.

        What a killed one left behind is ended first. Raises PlatformFailed, NotReady.
        """
        if self.is_running():
            return
        orphans.end(orphans.processes(self._folder.path), self._longest_stop_s())
        for path in self._folder.starts.iterdir():
            path.unlink()
        self._start(tools)

    def programs(self) -> list[Program]:
        """Return the programs that should run."""
        if not self._folder.programs.is_dir():
            return []
        kept = (self._load(path) for path in sorted(self._folder.programs.glob("*.json")))
        return [program for program in kept if program is not None]

    def program(self, component: str, role: Role) -> Program | None:
        """Return the program of an instance, None when it should not run."""
        return self._load(self._file(f"{component}.{role}", "json"))

    def run(self, program: Program) -> bool:
        """Run the program, in place of what runs under its name; return whether that changed."""
        known = self.program(program.component, program.role)
        if known == program and self._is_known(program.name):
            return self._start_stopped(program.name)
        self.remove(program.component, program.role)
        write(self._file(program.name, "sh"), render_launcher(program))
        write(self._file(program.name, "conf"), render_section(program))
        write(self._file(program.name, "json"), program.model_dump_json(indent=2))
        self._add(program.name)
        return True

    def remove(self, component: str, role: Role) -> None:
        """End the program, gracefully first, and forget it."""
        program = self.program(component, role)
        self._remove(f"{component}.{role}", program.stop_s if program else _KILL_S)

    def run_task(self, task: Task) -> None:
        """Run the task, in place of what runs under its name."""
        self.end_task(task.name, task.stop_s)
        write(self._file(task.name, "sh"), render_launcher(task))
        write(self._file(task.name, "conf"), render_task_section(task))
        self._add(task.name)
        self._api.call("startProcess", task.name, False)

    def end_task(self, name: str, stop_s: float) -> None:
        """End the task, which gets so long to end by itself, and forget it."""
        self._remove(name, stop_s)

    def forget_ended_task(self, name: str) -> None:
        """Forget the task if it has ended; supervisord itself would list it for ever."""
        info = self._api.info(name)
        if info is not None and info["statename"] in _ENDED:
            self._remove(name, 0)

    def running(self, program: Program) -> Running:
        """Return how the program runs. Raises PlatformFailed when supervisord does not answer."""
        info = self._api.info(program.name)
        has_process = info is not None and info["pid"] > 0
        starts = [float(line) for line in (read(self._starts(program.name)) or "").split()]
        restarts = max(0, len(starts) - 1)
        return Running(
            # A process that has just been made has not noted its start yet.
            started=(starts[-1] if starts else time.time()) if has_process else None,
            restarts=restarts,
            last_exit=last_exit(self._log_tail(), program.name) if restarts else "",
        )

    def has_process(self, component: str, role: Role) -> bool:
        """Tell whether an instance has a process. Raises PlatformFailed."""
        info = self._api.info(f"{component}.{role}")
        return info is not None and info["pid"] > 0

    def forget(self) -> None:
        """Delete all programs; for when it does not run."""
        for folder in (self._folder.programs, self._folder.starts):
            for path in folder.glob("*"):
                path.unlink(missing_ok=True)

    def shutdown(self, deadline_s: float) -> None:
        """End it, with all that it runs. Does nothing when it does not answer."""
        try:
            pid = int(self._api.call("getPID"))
            self._api.call("shutdown")
        except PlatformFailed:
            return
        deadline = time.monotonic() + deadline_s
        while time.monotonic() < deadline and self._is_alive(pid):
            time.sleep(_POLL_S)

    def _start(self, tools: Tools) -> None:
        port = self._ports.choose(PORT)
        config = self._folder.supervisor / "supervisord.conf"
        password = self._secrets.value(SECRET)
        write(
            config,
            render_supervisord(port=port, username=USER, password=password, is_root=is_root()),
        )
        done = run(
            [*tools.supervisord, "--configuration", str(config)],
            cwd=self._folder.path,
            env=minimal_environment(self._folder),
            timeout_s=_START_S,
        )
        if done.returncode != 0:
            raise PlatformFailed(
                "supervisord does not start",
                why=self._secrets.mask((done.stderr or done.stdout).strip()[-300:]),
                hint=f"see {self._folder.supervisor / 'supervisord.log'}",
            )
        deadline = time.monotonic() + _START_S
        while not self.is_running():
            if time.monotonic() > deadline:
                raise NotReady(
                    f"supervisord did not answer within {_START_S:.0f} s",
                    why="; ".join(self._log_tail()[-2:]) or "it wrote no log",
                    hint=f"see {self._folder.supervisor / 'supervisord.log'}",
                )
            time.sleep(_POLL_S)

    def _add(self, name: str) -> None:
        self._api.call("reloadConfig")
        self._api.call("addProcessGroup", name)

    def _remove(self, name: str, stop_s: float) -> None:
        if self._is_known(name):
            self._stop(name, stop_s)
            self._api.call("removeProcessGroup", name)
        # The description last: as long as it is there, a repetition finishes this.
        for kind in ("conf", "sh", "json"):
            self._file(name, kind).unlink(missing_ok=True)
        self._starts(name).unlink(missing_ok=True)

    def _start_stopped(self, name: str) -> bool:
        info = self._api.info(name)
        if info is None or info["statename"] not in _ENDED:
            return False
        self._starts(name).unlink(missing_ok=True)
        self._api.call("startProcess", name, False)
        return True

    def _stop(self, name: str, limit_s: float) -> None:
        try:
            self._api.call("stopProcessGroup", name, False)
        except PlatformFailed:
            if self._is_known(name):
                raise
            return
        deadline = time.monotonic() + limit_s + _KILL_S
        while (info := self._api.info(name)) and info["statename"] not in _ENDED:
            if time.monotonic() > deadline:
                raise PlatformFailed(
                    f"{name} does not end",
                    why=f"pid {info['pid']} is {info['statename']} after {limit_s + _KILL_S:.0f} s",
                    hint=f"see what holds it: `ps -fp {info['pid']}`",
                )
            time.sleep(_POLL_S)

    def _is_known(self, name: str) -> bool:
        return self._api.info(name) is not None

    def _load(self, path: Path) -> Program | None:
        text = read(path)
        if text is None:
            return None
        try:
            return Program.model_validate_json(text)
        except ValidationError:
            return None  # written by another version of this tool: run() replaces it

    def _longest_stop_s(self) -> float:
        return max((program.stop_s for program in self.programs()), default=_KILL_S)

    def _log_tail(self) -> list[str]:
        path = self._folder.supervisor / "supervisord.log"
        with disk("reading", path):
            if not path.exists():
                return []
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
                return file.read().decode(errors="replace").splitlines()

    def _file(self, name: str, kind: str) -> Path:
        return self._folder.programs / f"{name}.{kind}"

    def _starts(self, name: str) -> Path:
        return self._folder.starts / name

    def _is_alive(self, pid: int) -> bool:
        return any(process.pid == pid for process in orphans.processes(self._folder.path))


def minimal_environment(folder: StateFolder) -> dict[str, str]:
    """Return the environment that everything supervised starts from: none of the caller's."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder.path),
        "LANG": "C.UTF-8",
        MARKER: str(folder.path),
    }
