"""What an interrupted command says."""

from deploytool.canary.machine import Canary, Phase
from deploytool.cli.session import interruption
from deploytool.errors import ExitCode
from deploytool.system.revision import Revision, revision_of


def revision(digest: str) -> Revision:
    return revision_of("inventory", digest, {})


def test_an_interrupted_canary_is_named_with_the_state_it_is_left_in() -> None:
    canary = Canary(
        run="20261124T075500-3f2a",
        component="inventory",
        stable=revision("aa"),
        canary=revision("bb"),
        steps=(10, 25, 50),
        step=1,
        phase=Phase.OBSERVING,
        since=0.0,
    )
    error = interruption(canary)
    assert error.exit_code == ExitCode.INTERRUPTED
    assert error.what == "the canary of inventory is left at step 2/3, observing"
    assert canary.stable.id in error.note
    assert "`deploytool resume`" in error.hint
    assert "`deploytool abort`" in error.hint


def test_without_a_canary_it_points_to_the_status() -> None:
    error = interruption(None)
    assert error.exit_code == ExitCode.INTERRUPTED
    assert "deploytool status" in error.hint
