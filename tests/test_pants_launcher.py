"""`./pants` on machines that lack something, and on busy ones.

Without the Pythons that it needs it says so, and leaves nothing half made; without Pants' daemon it
does its work.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

LOCK = Path("3rdparty/python/pants.lock")

# Loaded by every Python that starts: the daemon never comes, and is not waited for a minute.
SLOW_MACHINE = """
import os

if os.environ.get("PANTS_DAEMON_ENTRYPOINT"):
    os._exit(0)
try:
    from pants.pantsd.process_manager import ProcessManager
except ImportError:  # another Python
    pass
else:
    wait = ProcessManager._deadline_until.__func__
    ProcessManager._deadline_until = classmethod(
        lambda cls, closure, *words, timeout: wait(cls, closure, *words, timeout=timeout / 600)
    )
"""

# All that the launcher calls before it has found its Pythons.
PROGRAMS = ("bash", "cat", "cksum", "dirname", "env", "flock", "mkdir", "sed")


def launched(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the launcher with nothing on PATH but these programs and what stands in the folder."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name in PROGRAMS:
        found = shutil.which(name)
        if found and not (programs / name).exists():
            (programs / name).symlink_to(found)
    return subprocess.run(
        ["bash", str(Path.cwd() / "pants"), "--version"],
        env={
            "PATH": str(programs),
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYENV_ROOT": str(folder / "pyenv"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refused(ended: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert ended.returncode == 1, ended
    for word in ("error: ", "why: ", "hint: ", *words):
        assert word in ended.stderr


def test_without_a_python_for_pants_itself(tmp_path: Path) -> None:
    refused(launched(tmp_path), "Python 3.7, 3.8 or 3.9", "uv python install 3.9")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("version", ["3.7", "3.9"])
def test_without_the_python_of_the_code(tmp_path: Path, version: str) -> None:
    """A stand-in that answers the launcher's question, as no such Python may be at hand here."""
    (tmp_path / "bin").mkdir()
    runner = tmp_path / "bin" / f"python{version}"
    runner.write_text(f'#!/bin/sh\necho "{runner}"\n')
    runner.chmod(0o755)
    refused(launched(tmp_path), "wrong Python", "CPython 3.11")
    assert not (tmp_path / "cache").exists()


SILENT_PIP = """
set -euo pipefail
tell() { echo "${1% (*}"; }
read() { builtin read "$@" || return $(($? > 128 ? TIMED_OUT : 1)); }
{ echo "Collecting a==1"; sleep 1.2; echo "Collecting b==2"; echo "Installing a, b"; } |
  tell_packages 2
"""


@pytest.mark.parametrize(("version", "timed_out"), [(3, 1), (5, 142)])
def test_a_pip_that_says_nothing_for_a_while_is_waited_for(version: int, timed_out: int) -> None:
    """Also by bash 3, which is stood in for by its number and by what its `read` returns."""
    launcher = Path("pants").read_text()
    start = launcher.index("tell_packages() {")
    function = launcher[start : launcher.index("\n}\n", start) + 3]
    script = function.replace("BASH_VERSINFO[0]", str(version)) + SILENT_PIP
    ended = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": os.environ["PATH"], "TIMED_OUT": str(timed_out)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, list(dict.fromkeys(ended.stdout.splitlines()))) == (
        0,
        ["package 1 of 2: a", "package 2 of 2: b", "unpacking 2 packages"],
    ), ended


CLIENT = """#!/bin/bash
for number in 1 2 3 4 5 6; do
  echo "output $number"
  echo "errors $number" >&2
  sleep 0.1
done
echo done >"$(dirname "$0")/done"
exit 4
"""


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("{pants} 2>&1 | head -n 1", ["output 1"]),
        ("{pants} 2>/dev/null | head -n 1", ["output 1"]),
        ("{pants} 2>&1 >/dev/null | head -n 1", ["errors 1"]),
        ("{pants} 2>/dev/null | tail -n 1", ["output 6"]),
    ],
)
def test_a_reader_that_has_enough_ends_nothing(
    tmp_path: Path, command: str, shown: list[str]
) -> None:
    """What is installed is a stand-in, found by a checksum that is a stand-in, too."""
    home = tmp_path / "cache" / "pants-from-pypi" / "7"
    programs = tmp_path / "bin"
    for path, content in (
        (home / "client", CLIENT),
        (home / "environment", "code_python=/bin/sh"),
        (home / "venv" / "bin" / "python", "#!/bin/sh"),
        (programs / "cksum", "#!/bin/sh\necho 7 1"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)
    launcher = tmp_path / "pants"
    launcher.write_bytes(Path("pants").read_bytes())
    lock = tmp_path / "3rdparty" / "python" / "pants.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    piped = command.format(pants=f"bash {launcher}") + "; exit ${PIPESTATUS[0]}"
    ended = subprocess.run(
        ["bash", "-c", piped],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout.splitlines()) == (4, shown), ended
    assert (home / "done").is_file()


def test_a_daemon_that_is_too_slow_is_done_without(tmp_path: Path) -> None:
    (tmp_path / LOCK).parent.mkdir(parents=True)
    shutil.copy(LOCK, tmp_path / LOCK)
    shutil.copy("pants", tmp_path / "pants")
    (tmp_path / "pants.toml").write_text('[GLOBAL]\npants_version = "2.17.1"\npantsd = true\n')
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/sitecustomize.py").write_text(SLOW_MACHINE)

    ended = subprocess.run(
        [tmp_path / "pants", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "slow"), "NO_SCIE_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert (ended.returncode, ended.stdout) == (0, "2.17.1\n"), ended.stderr
    told = [line for line in ended.stderr.splitlines() if "waiting for pantsd" in line]
    assert len(told) == 1, ended.stderr
    assert "exceeded timeout of 0.1 seconds while waiting for pantsd" in told[0]
    assert "falling back to non-daemon mode" in told[0]
    assert "Traceback" not in ended.stderr
