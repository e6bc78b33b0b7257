"""Opens all that a command works with: the declaration, the target, the log, the view."""

import json
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deploytool.canary.machine import Canary
from deploytool.cli.calling import as_called
from deploytool.cli.fault import EXPECTED, tool_fault
from deploytool.cli.options import Options
from deploytool.cli.output import tell
from deploytool.cli.release import demanded, for_platform, read_for
from deploytool.cli.render.lines import LineView
from deploytool.cli.render.terminal import can_redraw
from deploytool.errors import Interrupted, InvalidInput, Place
from deploytool.operations.context import Context
from deploytool.platforms.base import Platform
from deploytool.platforms.opening import open_platform
from deploytool.record.elsewhere import bring_back, places
from deploytool.record.event import Event, Listener
from deploytool.record.file_store import release_reserve
from deploytool.record.journal import CommandEnd, Journal
from deploytool.record.origin import Origin, origin_of
from deploytool.record.store import TargetState
from deploytool.system.declaration import System, read_system
from deploytool.system.targets import Target, read_target, read_targets
from deploytool.version import VERSION

ARTIFACTS = "DEPLOYTOOL_ARTIFACTS"
_PROGRAMS = "DEPLOYTOOL_PROGRAMS"
# Set by every PEX file for what it starts: its own path.
_PACKAGE = "PEX"
# A command needs the operations log; or a record that may be elsewhere, or missing in the end; or
# no record, as it changes nothing.
Record = Literal["log", "anywhere", "if-possible"]
# Relative to the root of the repository; targets.yaml lies beside it.
DECLARATION = Path("deploy/system.yaml")


@dataclass(frozen=True, slots=True)
class Session:
    """One command at work. end: the exit code and reason that go into the log."""

    context: Context
    end: CommandEnd


@contextmanager
def open_session(
    options: Options,
    command: str,
    *,
    is_live: bool = False,
    is_quiet: bool = False,
    record: Record = "log",
    release: Path | None = None,
) -> Generator[Session]:
    """Open everything for one command, and log its start and its end.

    is_live: show a live view where there is a terminal. is_quiet: show no events at all. record:
    what is needed of it. release: a file whose images are deployed.
    Raises Interrupted on Ctrl-C, and ToolFault on an exception that nobody had expected, saying
    what was left.
    """
    root = find_root(Path.cwd())
    targets = root / DECLARATION.with_name("targets.yaml")
    deploy = targets.parent
    target = read_target(targets, options.target)
    system = _placed(read_system(root / DECLARATION), target, targets)
    origin = origin_of(root, tool_version=VERSION, target=options.target, command=command)
    journal = _journal(log_path(root), root / target.state, origin, record)
    with ExitStack() as stack:
        if not is_quiet:
            journal.listen(_view(stack, options, command, is_live=is_live))
        end = stack.enter_context(journal.command())
        built = artifacts()
        file = read_for(release, options.target, read_targets(targets), system) if release else None
        given = stack.enter_context(for_platform(built, target, file))

        def opened(name: str, given: Mapping[str, Path]) -> AbstractContextManager[Platform]:
            return open_platform(
                read_target(targets, name),
                system,
                root=root,
                deploy=deploy,
                artifacts=given,
                on_secret=journal.masking.add,
                on_wait=lambda why: journal.record(Event("waiting", name, reason=why)),
            )

        def state_of(name: str) -> TargetState:
            with opened(name, {}) as other:
                return other.store.load()

        platform = stack.enter_context(opened(options.target, given))
        context = Context(
            system=system,
            platform=platform,
            target=options.target,
            run=origin.run,
            command=command,
            artifacts=given if file else built,
            emit=journal.record,
            has_visitors=target.has_visitors,
            deadline_s=options.timeout_s,
            release=file,
            proof=demanded(target, deploy),
            state_of=state_of,
        )
        try:
            yield Session(context, end)
        except KeyboardInterrupt as interrupt:
            raise interruption(_left(platform)) from interrupt
        except Exception as fault:
            if isinstance(fault, EXPECTED):
                raise
            raise tool_fault(fault, _left(platform)) from fault


def _journal(log: Path, state: Path, origin: Origin, record: Record) -> Journal:
    """Return the journal, with what was kept elsewhere meanwhile in the log again.

    state: the target's state folder.
    """
    if record == "anywhere":
        release_reserve(state)
    bring_back(log, state)
    return Journal(
        log,
        origin,
        elsewhere=places(state) if record == "anywhere" else (),
        is_required=record == "log",
        warn=_warn,
    )


def _warn(text: str) -> None:
    tell(f"note: {text}", is_error=True)


def _placed(system: System, target: Target, file: Path) -> System:
    """Return the system with the settings that the target changes. Raises InvalidInput."""
    try:
        return system.with_environment(target.environment)
    except ValueError as error:
        raise InvalidInput(
            "the target changes settings of services to what cannot be",
            why=str(error),
            hint=f"correct `environment` of the target in {file}",
        ) from error


def find_root(start: Path) -> Path:
    """Return the folder at or above start that holds the declaration. Raises InvalidInput."""
    for folder in (start, *start.parents):
        if (folder / DECLARATION).is_file():
            return folder
    raise InvalidInput(
        f"there is no {DECLARATION} here",
        why=f"neither {start} nor a folder above it has one",
        hint="run deploytool inside the repository",
    )


def log_path(root: Path) -> Path:
    """Return where the operations log is."""
    return root / "logs" / "operations.log"


def artifacts() -> dict[str, Path]:
    """Return component -> built file, as handed over in the environment; empty without."""
    return _handed_over(ARTIFACTS)


def programs() -> dict[str, Path]:
    """Return name -> program that was handed over for the command; empty without."""
    return _handed_over(_PROGRAMS)


def _handed_over(variable: str) -> dict[str, Path]:
    text = os.environ.get(variable, "")
    try:
        return {name: Path(path) for name, path in json.loads(text or "{}").items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInput(
            f"{variable} is not a JSON object of name -> path",
            why=str(error),
            hint="let `./pants run deploytool` set it",
            place=Place(Path(variable)),
        ) from error


def packaged_tool() -> Path:
    """Return the file that this tool runs from. Raises InvalidInput when it is not packaged."""
    package = os.environ.get(_PACKAGE, "")
    if not package:
        raise InvalidInput(
            "there is no packaged deploytool to leave behind",
            why="this one runs from its sources",
            hint="start it by `./pants run deploytool -- ...`, or package it",
        )
    return Path(package)


def interruption(canary: Canary | None) -> Interrupted:
    """Return what to tell of a command that was interrupted. canary: what is saved of one."""
    if canary is None:
        return Interrupted("interrupted", hint="`deploytool status` shows where it stands")
    where = f"step {canary.step + 1}/{len(canary.steps)}, " if canary.steps else ""
    return Interrupted(
        f"the canary of {canary.component} is left at {where}{canary.phase}",
        why="Ctrl-C, SIGTERM or the end of its terminal was received",
        note=f"stable {canary.stable.id} and canary {canary.canary.id} stay as they are, "
        "processes and weights",
        hint="`deploytool resume` goes on with its evidence, `deploytool abort` takes it back",
    )


def _left(platform: Platform) -> Canary | None:
    """Return the canary that an interrupted command may have left, None when it cannot be told."""
    with suppress(Exception):  # a server that is away keeps nobody who wants to go
        # Somebody else's canary is no business of this command.
        return platform.store.load().canary if platform.store.holder() is None else None
    return None


def _view(stack: ExitStack, options: Options, command: str, *, is_live: bool) -> Listener:
    view = _shown(stack, options, command, is_live=is_live)
    return lambda event: view(replace(event, reason=as_called(event.reason, options.target)))


def _shown(stack: ExitStack, options: Options, command: str, *, is_live: bool) -> Listener:
    if not is_live or options.is_json or not can_redraw(sys.stderr, os.environ):
        return LineView(sys.stderr)
    # rich takes its time to import: only where it is seen.
    from deploytool.cli.render.live import LiveView  # noqa: PLC0415

    return stack.enter_context(LiveView(sys.stderr, command))
