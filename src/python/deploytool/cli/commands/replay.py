"""deploytool replay."""

from pathlib import Path

import click

from deploytool.cli.options import Name, Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import find_root, log_path
from deploytool.errors import ExitCode
from deploytool.operations.replay import ReplayResult, replay_run


@click.command("replay")
@click.argument("run", type=Name())
@common_options
def command(options: Options, run: str) -> int:
    """Compute the canary of RUN again from its record alone, and compare every figure.

    Finds any changed, removed, inserted or moved line of the record; `history` lists the runs.

    Example: deploytool replay 20261124T075500-3f2a
    """
    result = replay_run(log_path(find_root(Path.cwd())), run)
    show(options, result, _text(result))
    return ExitCode.DONE


def _chain(result: ReplayResult) -> str:
    """Say how much of the record is as it was written."""
    after = f" (they begin after {result.begins_after})" if result.begins_after else ""
    if result.broken is None:
        return f"chain of {result.lines} lines intact{after}"
    return f"the first {result.lines} lines, which hold all of this canary, are intact{after}"


def _text(result: ReplayResult) -> str:
    if result.observations:
        figures = (
            f"{result.observations} observations, {result.figures} figures computed again, "
            "all equal"
        )
        verdict = f"verdict: {result.decision}: {result.sentence}"
    else:
        figures = "no observation is on record, so there is no figure to compute again"
        verdict = "verdict: none"
    lines = [
        f"{figures}; {_chain(result)}",
        verdict,
        f"outcome: {result.outcome}",
        *(
            [f"{result.elsewhere} more observations are on the record of another machine"]
            if result.elsewhere
            else []
        ),
        *(f"{damage.place}: {damage.why}" for damage in result.torn),
        *(
            [f"{result.broken.place}: {result.broken.why}; this canary was on record before"]
            if result.broken
            else []
        ),
        *(
            f"run {run} has no end on record: it goes on, was killed, or the end was cut off"
            for run in result.open_runs
        ),
    ]
    return "\n".join(lines)
