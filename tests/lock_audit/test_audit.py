"""The packaged program: an answer about every pin, or a failure that says that there is none."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lock_audit.conftest import PyPI, vulnerability

PLACES = (Path.cwd(), Path.cwd() / "dist")
HASH = "--hash=sha256:" + "a" * 64


def audit(folder: Path, environment: Mapping[str, str], *locks: str) -> tuple[int, str]:
    program = next(found for each in PLACES if (found := each / PACKAGE).exists())
    paths = []
    for number, text in enumerate(locks):
        paths.append(folder / f"{number}.lock")
        paths[-1].write_text(text)
    done = subprocess.run(
        [sys.executable, program, *map(str, paths)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            # The program is unpacked once for all homes.
            "PEX_ROOT": str(Path.home() / ".pex"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


PACKAGE = "src.python.lock_audit/lock_audit.pex"


def test_no_known_vulnerability(pypi: PyPI, tmp_path: Path) -> None:
    pypi.known = {"one/1.0": [], "two/2.0": []}

    code, said = audit(
        tmp_path,
        pypi.environment,
        f"one==1.0 \\\n    {HASH}\n",
        f"one==1.0 \\\n    {HASH}\ntwo==2.0 \\\n    {HASH}\n",
    )

    assert (code, said) == (0, "no known vulnerabilities in 2 pins of 2 locks\n")
    assert sorted(pypi.asked) == ["one/1.0", "two/2.0"]


def test_a_vulnerability_is_told_with_the_lines_that_pin_it(pypi: PyPI, tmp_path: Path) -> None:
    pypi.known = {"one/1.0": [vulnerability("PYSEC-2026-1", "1.1")], "two/2.0": []}

    code, said = audit(
        tmp_path, pypi.environment, f"two==2.0 \\\n    {HASH}\none==1.0 \\\n    {HASH}\n"
    )

    assert code == 3
    assert said == (
        "one 1.0: PYSEC-2026-1, fixed in 1.1\n"
        f"  {tmp_path}/0.lock:3\n"
        "1 known vulnerability in 2 pins of 1 locks\n"
    )


def test_what_another_python_gets_is_asked_about_too(pypi: PyPI, tmp_path: Path) -> None:
    pypi.known = {"one/1.0": [vulnerability("PYSEC-2026-1")], "one/2.0": []}

    code, said = audit(
        tmp_path,
        pypi.environment,
        f"one==2.0 ; python_full_version >= '3.8' \\\n    {HASH}\n"
        f"one==1.0 ; python_full_version < '3.8' \\\n    {HASH}\n",
    )

    assert code == 3
    assert "one 1.0: PYSEC-2026-1, not fixed yet" in said


def test_a_service_that_cannot_be_reached_is_no_answer(tmp_path: Path) -> None:
    nobody = {"HTTPS_PROXY": "http://127.0.0.1:1"}

    code, said = audit(tmp_path, nobody, f"one==1.0 \\\n    {HASH}\n")

    assert code == 4
    assert said.startswith("error: the locks were not audited: nothing is known of their")
    assert "Connection refused" in said
    assert "Traceback" not in said


def test_a_pin_that_the_service_does_not_know_is_no_answer(pypi: PyPI, tmp_path: Path) -> None:
    pypi.known = {"one/1.0": []}

    code, said = audit(
        tmp_path, pypi.environment, f"one==1.0 \\\n    {HASH}\ntwo==2.0 \\\n    {HASH}\n"
    )

    assert code == 4
    assert "two: Dependency not found on PyPI and could not be audited" in said


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        ("one==1.0\n", "one 1.0 has no hash"),
        ("one>=1.0\n", "neither NAME==VERSION nor --hash: one>=1.0"),
    ],
)
def test_what_is_no_lock_is_named_with_its_line(
    pypi: PyPI, tmp_path: Path, lock: str, why: str
) -> None:
    code, said = audit(tmp_path, pypi.environment, lock)

    assert code == 2
    assert f"{tmp_path}/0.lock:1 is no line of a lock\n  why:  {why}" in said
    assert pypi.asked == []
