"""deploytool history."""

from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.render.text import table, terminal_width
from deploytool.cli.session import find_root, log_path
from deploytool.errors import ExitCode
from deploytool.record.history import History, read_history


@click.command("history")
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@common_options
def command(options: Options, last: int) -> int:
    """List past commands, newest last, and how they ended.

    Example: deploytool history --last 5
    """
    history = read_history(log_path(find_root(Path.cwd())), last)
    show(options, history, _text(history))
    return ExitCode.DONE


def _text(history: History) -> str:
    # A run's name begins with the time, UTC.
    header = ("run", "command", "target", "result", "seconds")
    rows = [
        (
            past.run,
            past.command,
            past.target,
            past.result,
            f"{past.duration_s:.1f}" if past.duration_s is not None else "-",
        )
        for past in history.commands
    ]
    notes = [
        [
            f"by {past.user}@{past.host}"
            + (f"; differs in: {', '.join(past.differs)}" if past.differs else ""),
            past.reason,
        ]
        for past in history.commands
    ]
    damaged = [f"{damage.place} is damaged: {damage.why}" for damage in history.damaged]
    return "\n".join([table(header, rows, terminal_width(), notes), *damaged])
