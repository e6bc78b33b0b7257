"""An interrupted run of Pants exits with 130, any other as before."""

import pytest

from deployment.interruption import telling_interruption


def interrupted() -> int:
    raise KeyboardInterrupt


def test_an_interrupted_run_exits_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert telling_interruption(interrupted)() == 130
    assert capsys.readouterr().err == "Interrupted by user.\n"


@pytest.mark.parametrize("code", [0, 1, 4])
def test_any_other_exit_code_is_passed_on(code: int) -> None:
    assert telling_interruption(lambda: code)() == code


def test_a_plugin_that_is_registered_again_changes_nothing_more() -> None:
    once = telling_interruption(interrupted)
    assert telling_interruption(once) is once
