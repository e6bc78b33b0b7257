"""A program of proofs knows the environment of this tool, but for what is none of its business."""

import sys

import pytest

from deploytool.errors import PlatformFailed
from deploytool.proofs.program import run_program

TELL = "import os; print(*sorted(set(os.environ) & {'COSIGN_PASSWORD', 'PEX', 'SOME_LOGIN'}))"


@pytest.mark.parametrize(
    ("is_told_password", "known"), [(False, "SOME_LOGIN"), (True, "COSIGN_PASSWORD SOME_LOGIN")]
)
def test_only_who_signs_is_told_the_password(
    monkeypatch: pytest.MonkeyPatch, is_told_password: bool, known: str
) -> None:
    for name in ("COSIGN_PASSWORD", "PEX", "SOME_LOGIN"):
        monkeypatch.setenv(name, "set")

    done = run_program(
        [sys.executable, "-c", TELL],
        purpose="tells it",
        hint="",
        timeout_s=20,
        is_told_password=is_told_password,
    )

    assert done.stdout == f"{known}\n"


def test_a_program_that_is_missing_is_named_with_what_it_is_for() -> None:
    with pytest.raises(PlatformFailed) as failure:
        run_program(["no-such-program"], purpose="signs", hint="install it", timeout_s=20)

    assert failure.value.as_dict() == {
        "error": "platform-failed",
        "what": "no-such-program is missing",
        "why": "there is none in PATH, and nothing else signs",
        "hint": "install it",
    }
