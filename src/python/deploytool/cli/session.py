"""Opens all that a command works with: the declaration, the target, the log, the view."""

import json
import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploytool.cli.options import Options
from deploytool.cli.render.lines import LineView
from deploytool.errors import InvalidInput, Place
from deploytool.operations.context import Context
from deploytool.platforms.opening import open_platform
from deploytool.record.journal import CommandEnd, Journal
from deploytool.record.origin import origin_of
from deploytool.system.declaration import read_system
from deploytool.system.targets import read_target
from deploytool.version import VERSION

ARTIFACTS = "DEPLOYTOOL_ARTIFACTS"
_DECLARATION = Path("deploy/system.yaml")


@dataclass(frozen=True, slots=True)
class Session:
    """One command at work. end: the exit code and reason that go into the log."""

    context: Context
    end: CommandEnd


@contextmanager
def open_session(
    options: Options, command: str, *, is_live: bool = False, is_quiet: bool = False
) -> Generator[Session]:
    """Open everything for one command, and log its start and its end.

    is_live: show a live view where there is a terminal. is_quiet: show no events at all.
    """
    root = find_root(Path.cwd())
    system = read_system(root / _DECLARATION)
    target = read_target(root / _DECLARATION.with_name("targets.yaml"), options.target)
    origin = origin_of(root, tool_version=VERSION, target=options.target, command=command)
    journal = Journal(log_path(root), origin)
    with ExitStack() as stack:
        if not is_quiet:
            journal.listen(_view(stack, options, is_live=is_live))
        end = stack.enter_context(journal.command())
        platform = stack.enter_context(
            open_platform(
                target, system, root=root, deploy=root / _DECLARATION.parent, artifacts=artifacts()
            )
        )
        context = Context(
            system=system,
            platform=platform,
            target=options.target,
            run=origin.run,
            command=command,
            artifacts=artifacts(),
            emit=journal.record,
            deadline_s=options.timeout_s,
        )
        yield Session(context, end)


def find_root(start: Path) -> Path:
    """Return the folder at or above start that holds the declaration. Raises InvalidInput."""
    for folder in (start, *start.parents):
        if (folder / _DECLARATION).is_file():
            return folder
    raise InvalidInput(
        f"there is no {_DECLARATION} here",
        why=f"neither {start} nor a folder above it has one",
        hint="run deploytool inside the repository",
    )


def log_path(root: Path) -> Path:
    """Return where the operations log is."""
    return root / "logs" / "operations.log"


def artifacts() -> dict[str, Path]:
    """Return component -> built file, as handed over in the environment; empty without."""
    text = os.environ.get(ARTIFACTS, "")
    try:
        return {name: Path(path) for name, path in json.loads(text or "{}").items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInput(
            f"{ARTIFACTS} is not a JSON object of component -> path",
            why=str(error),
            hint="let `./pants run deploytool` set it",
            place=Place(Path(ARTIFACTS)),
        ) from error


def _view(stack: ExitStack, options: Options, *, is_live: bool) -> LineView:
    return LineView(sys.stderr)
