"""deploytool verify."""

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.render.text import table
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.verify import Check, verify


@click.command("verify")
@common_options
def command(options: Options) -> int:
    """Check readiness, revisions, migrations and the data; change nothing. Exits 1 on a failure.

    Example: deploytool verify
    """
    with open_session(options, "verify", is_quiet=True) as session:
        checks = verify(session.context)
        failed = sum(not check.is_true for check in checks)
        session.end.exit_code = ExitCode.FAILED if failed else ExitCode.DONE
        session.end.reason = f"{failed} of {len(checks)} checks failed" if failed else ""
    show(options, {"checks": checks, "failed": failed}, _text(checks, failed))
    return session.end.exit_code


def _text(checks: tuple[Check, ...], failed: int) -> str:
    rows = [
        ("ok" if check.is_true else "failed", check.object, check.statement, check.found)
        for check in checks
    ]
    header = ("result", "object", "check", "found")
    return f"{table(header, rows)}\n{failed} of {len(checks)} checks failed"
