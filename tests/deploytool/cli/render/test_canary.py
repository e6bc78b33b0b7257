"""What `canary` prints at its end."""

import click
import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.cli.render.canary import canary_as_dict, canary_as_text
from deploytool.operations.canary import CanaryResult
from deploytool.system.revision import revision_of


def ended(phase: Phase) -> CanaryResult:
    canary = Canary(
        run="r1",
        component="web",
        stable=revision_of("web", "aa", {}),
        canary=revision_of("web", "bb", {}),
        steps=(20, 50),
        phase=phase,
        since=0.0,
        observed_s=33.25,
    )
    return CanaryResult(canary, None)


def test_a_promotion_says_for_how_long_the_canary_was_observed() -> None:
    text = click.unstyle(canary_as_text(ended(Phase.PROMOTED), 40.0))
    assert (
        "note:    this canary was observed for 33 s: what fails later than that was never seen"
        in text.splitlines()
    )
    assert text.splitlines()[-1].startswith("promoted: web ")


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.HELD])
def test_what_was_not_promoted_promises_nothing(phase: Phase) -> None:
    assert "never seen" not in canary_as_text(ended(phase), 40.0)


@pytest.mark.parametrize("phase", [Phase.PROMOTED, Phase.ROLLED_BACK])
def test_a_program_reads_the_seconds(phase: Phase) -> None:
    assert canary_as_dict(ended(phase))["observed_s"] == 33.25
