"""How a canary ended, in a few lines."""

from typing import Any

import click

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.sentences import unseen
from deploytool.cli.calling import DEFAULT_TARGET, as_called
from deploytool.cli.options import Options
from deploytool.cli.render.failure import render_failure
from deploytool.cli.render.result import plain, show
from deploytool.cli.render.traffic import data_notes
from deploytool.operations.conclusion import CanaryResult
from deploytool.operations.detachment import Detached

_WORDS = {
    Phase.PROMOTED: ("promoted", "green"),
    Phase.ROLLED_BACK: ("rolled back", "red"),
    Phase.HELD: ("held", "yellow"),
}


def show_canary(options: Options, result: CanaryResult, seconds: float) -> None:
    """Print how a canary ended; after that what else went wrong, on standard error."""
    show(options, canary_as_dict(result, options.target), canary_as_text(result, seconds))
    for failure in result.failures:
        render_failure(failure, is_json=False, target=options.target)


def canary_as_dict(result: CanaryResult, target: str = DEFAULT_TARGET) -> dict[str, Any]:
    """Return what JSON output says of an ended canary on a target."""
    canary = result.canary
    return {
        "result": canary.phase.value,
        "component": canary.component,
        "stable": canary.stable.id,
        "canary": canary.canary.id,
        "reason": canary.decision or canary.reason,
        "run": canary.run,
        "observed_s": round(canary.observed_s, 3),
        "load": plain(result.traffic),
        "callers": list(result.callers),
        "failures": [
            {name: as_called(text, target) for name, text in failure.as_dict().items()}
            for failure in result.failures
        ],
        "exit_code": result.exit_code,
    }


def canary_as_text(result: CanaryResult, seconds: float) -> str:
    """Return the end of a canary as text: what, why, the traffic, and the result last."""
    canary = result.canary
    word, colour = _WORDS[canary.phase]
    lines = [f"why:     {canary.decision or canary.reason}"]
    if result.traffic:
        lines.append(f"traffic: {result.traffic.counts.summary()}")
        lines += [f"data:    {each}" for each in data_notes(result.traffic)]
    lines += [f"callers: {each}" for each in result.callers]
    if canary.phase is Phase.PROMOTED:
        lines.append(f"note:    {unseen(canary.observed_s)}")
    if canary.phase is Phase.HELD:
        lines.append(f"next:    {_ways_on(canary)}")
    styled = click.style(word, fg=colour, bold=True)
    serves = canary.canary.id if canary.phase is Phase.PROMOTED else canary.stable.id
    lines.append(
        f"{styled}: {canary.component} {canary.canary.id}, {serves} is stable ({seconds:.1f} s)"
    )
    return "\n".join(lines)


def _ways_on(canary: Canary) -> str:
    """Say what a person can do with a held canary; what no evidence supports comes last."""
    evidence = canary.evidence
    if evidence is not None and evidence.share.is_reached:
        return (
            "`deploytool abort`, or `deploytool resume`; "
            "`deploytool promote` would be against the evidence"
        )
    if evidence is not None and not evidence.at_this_step.canary.ended:
        return (
            "send requests and `deploytool resume`, or `deploytool abort`; "
            "`deploytool promote` would be without evidence"
        )
    return "`deploytool promote`, `deploytool resume` or `deploytool abort`"


def detached_as_dict(left: Detached) -> dict[str, Any]:
    """Return what JSON output says of a canary that goes on by itself."""
    canary = left.canary
    return {
        "result": "detached",
        "component": canary.component,
        "stable": canary.stable.id,
        "canary": canary.canary.id,
        "run": canary.run,
        "log": left.log,
        "exit_code": 0,
    }


def detached_as_text(left: Detached) -> str:
    """Return how to follow and to steer a canary that goes on by itself."""
    canary = left.canary
    styled = click.style("detached", fg="cyan", bold=True)
    return "\n".join(
        (
            f"follow:  `deploytool status`, or {left.log}",
            "steer:   `deploytool promote` or `deploytool abort`",
            f"{styled}: {canary.component} {canary.canary.id} goes on by itself",
        )
    )
