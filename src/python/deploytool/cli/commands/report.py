"""deploytool report."""

from pathlib import Path

import click

from deploytool.cli.options import Name, Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import find_root, log_path
from deploytool.errors import ExitCode
from deploytool.operations.report import report


@click.command("report")
@click.argument("run", required=False, type=Name())
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it.  [default: reports/RUN.html in the repository]",
)
@common_options
def command(options: Options, run: str | None, file: Path | None) -> int:
    """Write one HTML file about the canary that began in RUN (the latest, if none is named).

    Made from the record alone: it needs no target, and nothing to be read but a browser.

    Example: deploytool report 20261124T075500-3f2a
    """
    root = find_root(Path.cwd())
    path = report(log_path(root), root / "reports", run or "", file)
    show(options, {"file": path}, str(path))
    return ExitCode.DONE
