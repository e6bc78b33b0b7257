"""deploytool plan."""

from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.release import release_option
from deploytool.cli.render.plan import plan_as_text
from deploytool.cli.render.result import show
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.admission import admit
from deploytool.operations.plan import make_plan


@click.command("plan")
@release_option
@common_options
def command(options: Options, release: Path | None) -> int:
    """Show what `up` would do, and why. Exits 3 when there are changes, 0 when there are none.

    Example: deploytool plan --output json
    """
    with open_session(options, "plan", record="if-possible", release=release) as session:
        admit(session.context)
        plan = make_plan(session.context, session.context.platform.store.load())
        session.end.exit_code = ExitCode.DONE if plan.is_empty else ExitCode.CHANGES
    show(options, {"changes": plan.changes, "counts": plan.counts()}, plan_as_text(plan))
    return session.end.exit_code
