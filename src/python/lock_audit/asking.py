"""Asks about pins, by pip-audit, and takes nothing but a complete answer for one."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lock_audit.errors import NotAnswered


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One that is known of a version. fixed_in: the versions without it, "" for none yet."""

    name: str
    version: str
    id: str
    fixed_in: str


def vulnerabilities(sheet: str) -> list[Vulnerability]:
    """Return what is known of the pins in a requirement file. Raises NotAnswered.

    pip-audit ends with 1 for a vulnerability and for a service that it did not reach: only what it
    says of every single pin is an answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(sheet, encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip_audit"),
                *("--strict", "--require-hashes", "--disable-pip", "--requirement", str(file)),
                *("--format=json", "--progress-spinner=off"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        raise _unanswered(done.stderr) from error
    missing = len(sheet.splitlines()) - sum("vulns" in answer for answer in answers)
    if missing:
        raise _unanswered(f"there was no answer about {missing} of the pins")
    return [
        Vulnerability(
            answer["name"], answer["version"], found["id"], ", ".join(found["fix_versions"])
        )
        for answer in answers
        for found in answer["vulns"]
    ]


def _unanswered(words: str) -> NotAnswered:
    said = [line for line in words.splitlines() if line.strip()]
    return NotAnswered(
        "the locks were not audited: nothing is known of their vulnerabilities",
        why=said[-1] if said else "pip-audit said nothing",
        hint="see that https://pypi.org/pypi/pip/json answers from this machine, then repeat",
    )
