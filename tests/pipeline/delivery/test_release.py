"""What `.ci/release` asks of Pants, by what it signs, and what people read of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.errors import StepFailed
from pipeline.delivery.release import release, told

# Writes down how it was called, packages what is asked for, and pushes a release.
PANTS = """#!/usr/bin/env python3
import json, os, pathlib, stat, sys

arguments = sys.argv[1:]
keys = [each.partition("=")[2] for each in arguments if each.startswith("--key=")]
call = {
    "arguments": arguments,
    "key": pathlib.Path(keys[0]).read_text() if keys else None,
    "is_private": not keys or stat.S_IMODE(os.stat(keys[0]).st_mode) == 0o600,
    "environment": os.environ.get("SIGNING_KEY"),
}
with open("calls", "a") as calls:
    calls.write(json.dumps(call) + "\\n")
if arguments[0] == "package":
    for address in arguments[1:]:
        place = pathlib.Path("dist", address.replace("/", ".").replace(":", "/") + ".pex")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(address)
sys.exit(FAILS)
"""
IMAGE = {"image": "registry/shop@sha256:abc", "tag": "123", "sbom": "sha256:def"}


@pytest.fixture(autouse=True)
def _in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SIGNING_KEY", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.delenv(name, raising=False)


def pants(fails: int = 0) -> None:
    Path("pants").write_text(PANTS.replace("FAILS", str(fails)))
    Path("pants").chmod(0o755)


def calls() -> list[Any]:
    return [json.loads(line) for line in Path("calls").read_text().splitlines()]


def test_the_tool_that_deploys_lies_beside_the_release() -> None:
    pants()
    folder = Path("dist/release")
    folder.mkdir(parents=True)
    (folder / "of-before").touch()
    release("registry.example/shop", folder)
    assert sorted(each.name for each in folder.iterdir()) == ["bin", "deploytool.pex"]
    assert (folder / "bin" / "kubectl").read_text() == "3rdparty/python:kubectl"


def test_a_key_reaches_the_push_as_a_private_file_and_is_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGNING_KEY", "a private key")
    pants()
    release("registry.example/shop", Path("dist/release"))
    package, push = calls()
    assert package["key"] is None
    assert (push["key"], push["is_private"], push["environment"]) == ("a private key", True, None)
    [file] = [each for each in push["arguments"] if each.startswith("--key=")]
    assert not Path(file.partition("=")[2]).exists()
    assert "a private key" not in " ".join(push["arguments"])


def test_in_a_job_with_an_identity_no_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example")
    pants()
    release("registry.example/shop", Path("dist/release"))
    assert calls()[1]["arguments"][-1] == "--keyless"


def test_what_is_not_signed_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    pants()
    release("registry.example/shop", Path("dist/release"))
    assert calls()[1]["arguments"][-1] == "--file=dist/release/release.json"
    assert "nothing is signed" in capfd.readouterr().err


def test_a_command_that_fails_ends_it_with_its_exit_code() -> None:
    pants(fails=2)
    with pytest.raises(StepFailed) as failed:
        release("registry.example/shop", Path("dist/release"))
    assert failed.value.exit_code == 2
    assert len(calls()) == 1


def test_the_summary_names_each_digest_and_whether_it_is_signed() -> None:
    written = {"system": "shop", "commit": "0123456789abcdef", "images": {"shop": IMAGE}}
    text = told(written, is_signed=True)
    assert "Release of shop, commit 0123456789ab" in text
    assert "It is signed." in text
    assert "| shop | `registry/shop@sha256:abc` | `123` | yes |" in text
    assert "**not signed**" in told(written, is_signed=False)
