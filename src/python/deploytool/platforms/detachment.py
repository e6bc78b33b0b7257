"""This tool as a process that goes on when the one that started it has ended."""

import contextlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from deploytool.platforms.files import disk, read, write
from deploytool.platforms.tool_copy import keep_tool, python

# An interruption is saved and recorded, and its traffic ended, within this time.
_STOP_S = 15.0
# Started again when it was killed (128 and the signal's number), not when it ended by itself: an
# interruption, 130, is an end of its own.
_SUPERVISE = """\
while "$@"; code=$?; [ "$code" -gt 128 ] && [ "$code" -ne 130 ]; do
  echo "ended by exit status $code, started again"
  sleep 1
done
exit "$code"
"""


class Detachment:
    """The one detached process of a state folder.

    root: the repository, where it works. environment: what it has of this tool's.
    """

    def __init__(self, folder: Path, root: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._root = root
        self._environment = environment
        self._file = folder / "detached.json"

    def start(self, tool: Path, arguments: Sequence[str]) -> Path:
        """Run a copy of the packaged tool; return the file that it writes to."""
        self.end()
        log = self._folder / "deploytool.log"
        copy = keep_tool(self._folder, tool)
        argv = ("/bin/sh", "-c", _SUPERVISE, "deploytool", python(), str(copy), *arguments)
        with disk("writing", log), log.open("ab") as output:
            process = subprocess.Popen(
                argv,
                cwd=self._root,
                env={**self._environment, "PEX_ROOT": str(self._folder / "pex")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = psutil.Process(process.pid).create_time()
        write(self._file, json.dumps({"pid": process.pid, "started": started}))
        return log

    def end(self) -> None:
        """End it as an interruption would, with all that it started."""
        supervisor = self._process()
        if supervisor is not None:
            # The shell first, so that it starts nothing again.
            family = [supervisor, *supervisor.children(recursive=True)]
            for process in family:
                _signal(process, is_last=False)
            _, left = psutil.wait_procs(family, timeout=_STOP_S)
            for process in left:
                _signal(process, is_last=True)
        self._file.unlink(missing_ok=True)

    def _process(self) -> psutil.Process | None:
        kept = json.loads(read(self._file) or "null")
        try:
            process = psutil.Process(kept["pid"]) if kept else None
            # Another one may have the number by now.
            is_it = process is not None and process.create_time() == kept["started"]
        except psutil.NoSuchProcess:
            return None
        return process if is_it and process != psutil.Process(os.getpid()) else None


def _signal(process: psutil.Process, *, is_last: bool) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill() if is_last else process.terminate()
