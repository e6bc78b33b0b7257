"""A test that no stage would run is refused by its name."""

import io
import json
from typing import Any

import pytest

from pipeline import homeless
from tests.pipeline.shop import TARGETS, described


def main(monkeypatch: pytest.MonkeyPatch, *targets: dict[str, Any]) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([*TARGETS, *targets])))
    return homeless.main()


def tagged(*tags: str) -> dict[str, Any]:
    path = "tests/new/test_new.py"
    return described(path, "python_test", sources=[path], resolve="tests", tags=list(tags))


@pytest.mark.parametrize("tags", [(), ("engine",), ("end-to-end", "local")])
def test_a_test_of_parts_or_of_a_system_on_one_platform_is_run(
    monkeypatch: pytest.MonkeyPatch, tags: tuple[str, ...]
) -> None:
    assert main(monkeypatch, tagged(*tags)) == 0


@pytest.mark.parametrize("tags", [("end-to-end",), ("end-to-end", "local", "compose")])
def test_one_of_a_system_on_none_or_several_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tags: tuple[str, ...]
) -> None:
    assert main(monkeypatch, tagged(*tags)) == 1
    told = capsys.readouterr().err
    assert "tests/new/test_new.py is tagged end-to-end, and not with one platform" in told
    assert "hint: add one of compose, local, kubernetes to its tags" in told
