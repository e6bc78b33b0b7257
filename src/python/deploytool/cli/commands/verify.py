"""deploytool verify."""

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.render.text import table, terminal_width
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.check import Check
from deploytool.operations.verify import verify


@click.command("verify")
@common_options
def command(options: Options) -> int:
    """Check readiness, revisions, migrations, flows and the data; change nothing.

    Exits 1 when a check fails; what could not be tried is told, and is no failure.

    Example: deploytool verify
    """
    with open_session(options, "verify", is_quiet=True, record="if-possible") as session:
        checks = verify(session.context)
        failed = sum(check.is_true is False for check in checks)
        session.end.exit_code = ExitCode.FAILED if failed else ExitCode.DONE
        session.end.reason = f"{failed} of {len(checks)} checks failed" if failed else ""
    show(options, {"checks": checks, "failed": failed}, _text(checks, failed))
    return session.end.exit_code


def _text(checks: tuple[Check, ...], failed: int) -> str:
    rows = [(check.result, check.object, check.statement, check.found) for check in checks]
    header = ("result", "object", "check", "found")
    untried = sum(check.is_true is None for check in checks)
    rest = f", {untried} could not be tried" if untried else ""
    return f"{table(header, rows, terminal_width())}\n{failed} of {len(checks)} checks failed{rest}"
