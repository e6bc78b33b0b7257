"""Entry point: picks the command, and ends the process with its exit code."""

import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from deploytool.cli.calling import DEFAULT_TARGET, last_value
from deploytool.cli.options import GlobalOptions, Name
from deploytool.cli.output import let_go
from deploytool.cli.render.failure import render_failure
from deploytool.cli.usage import wrong_usage
from deploytool.errors import ExitCode, Interrupted

# Command -> its line in the overview. Each is the module of that name, imported when it is used.
COMMANDS = {
    "up": "Deploy what is declared and built; a second time changes nothing.",
    "plan": "Show what `up` would do, and why.",
    "status": "Show what runs, and what is in the middle of what.",
    "verify": "Check readiness, revisions, migrations, flows and the data.",
    "canary": "Replace a component on evidence, under real traffic.",
    "promote": "Make a canary stable without more evidence.",
    "abort": "Take a canary back: stable serves everything.",
    "resume": "Go on with an interrupted or held canary.",
    "rollback": "Go back to an earlier revision.",
    "logs": "Show what the components print.",
    "history": "List past commands and how they ended.",
    "report": "Write an HTML file about a canary, from its record.",
    "replay": "Compute a past canary again from its record, and compare.",
    "validate": "Check manifests, without a cluster.",
    "render": "Write the manifests with the digests of a release.",
    "push": "Push what was built to a registry, and write a release file.",
    "load": "Send declared traffic and check that nothing is lost.",
    "down": "Stop everything; with --volumes, delete the data too.",
    "version": "Print deploytool's version.",
}


class Commands(click.Group):
    """The commands of the table above, each imported only when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own signature
        """Import the command's module and return its command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"deploytool.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _tell_version(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        command = import_module("deploytool.cli.commands.version").command
        ctx.exit(command.main(["--output", _output()], standalone_mode=False))


def _output() -> str:
    return last_value(sys.argv[1:], "--output", "text")


def _target() -> str:
    return last_value(sys.argv[1:], "--target", DEFAULT_TARGET)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--target", type=Name(), help="Target of targets.yaml to work on.  [default: local]")
@click.option("--output", type=click.Choice(["text", "json"]), help="Form of the result.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_tell_version,
    help="Print deploytool's version.",
)
@click.pass_context
def cli(ctx: click.Context, target: str | None, output: str | None, *, debug: bool) -> None:
    """Deploy a system of components, and change it by canaries that are judged on evidence."""
    ctx.obj = GlobalOptions(target=target, output=output, is_debug=debug)


def main() -> NoReturn:
    """Run the command line; ends the process with the exit code of the contract."""
    signal.signal(signal.SIGTERM, _interrupt)
    # A terminal that goes away ends what it runs, in the same order: `--detach` is for what shall
    # go on. Whoever started this with `nohup` has said so as well.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        code = cli.main(prog_name="deploytool", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        code = ExitCode.USAGE
    except click.ClickException as error:
        render_failure(wrong_usage(error), is_json=_output() == "json", target=_target())
        code = ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        hint = "`deploytool status` shows where it stands"
        interrupted = Interrupted("interrupted", hint=hint)
        render_failure(interrupted, is_json=_output() == "json", target=_target())
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        code = ExitCode.FAILED
    let_go((sys.stdout, sys.stderr))
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # A terminal's end is told twice, by the kernel and by the shell: the second one must not cut
    # off what the first one brings about. A handler, as children would inherit that it is ignored.
    signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
