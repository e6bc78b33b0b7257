"""Migrations of a database: which are pending, and their application by dbmate.

Each kind has a table of its own, so that one does not wait for the other. dbmate holds a lock of
the database while it works, so that two of them never do at once, whoever started them.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from deploytool.errors import DeployError, InvalidInput, MigrationFailed, Place
from deploytool.platforms.base import MigrationKind
from deploytool.platforms.migration_sessions import Late, MigrationSessions, Watch

TABLES: Mapping[MigrationKind, str] = {
    "expand": "schema_migrations",
    "contract": "contract_migrations",
}

Query = Callable[[str], Sequence[Mapping[str, Any]]]
Run = Callable[[MigrationKind, Callable[[], None]], "CompletedProcess[str]"]
Tell = Callable[[str, str], None]

_VERSION = re.compile(r"^(\d+).*\.sql$")
_BEGUN = re.compile(r"^Applying: (.+)$", re.MULTILINE)
_DOWN = re.compile(r"^--\s*migrate:down\b", re.MULTILINE | re.IGNORECASE)
# The work of such a migration stays when it fails: dbmate wraps all others in a transaction.
_UNWRAPPED = re.compile(r"^--\s*migrate:up\b.*\btransaction:\s*false", re.MULTILINE | re.IGNORECASE)
_COMMIT = re.compile(r"(?:^|;)\s*COMMIT\b", re.IGNORECASE)
# Comments, the bodies of functions, strings and quoted names: no statement begins in them.
_QUOTED = re.compile(
    r"""--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|\bE'(?:\\.|[^'\\])*'|'[^']*'|"[^"]*\"""",
    re.DOTALL | re.IGNORECASE,
)
# PostgreSQL's codes for lock_not_available and deadlock_detected, as dbmate shows them.
_NO_LOCK = ("(55P03)", "(40P01)")
# Others get through between two tries. The pause doubles up to the longest.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 8.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class File:
    """A migration file. version: the digits that its name begins with, all that is recorded."""

    version: str
    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def is_atomic(self) -> bool:
        """Whether nothing of it stays when it fails, so that it may be tried again."""
        up = _DOWN.split(self.path.read_text(errors="replace"))[0]
        return not (_UNWRAPPED.search(up) or _COMMIT.search(_QUOTED.sub(" ", up)))


def files(folder: Path) -> list[File]:
    """Return the migration files in the order in which dbmate applies them."""
    found = folder.iterdir() if folder.is_dir() else ()
    named = ((path, _VERSION.match(path.name)) for path in sorted(found))
    return [File(match[1], path) for path, match in named if match]


class Migrations:
    """The migration files of a system against one database.

    folder: holds expand/ and contract/. query: asks the database. run: has dbmate apply all of a
    kind, whatever comes of it, and calls what it is given again and again meanwhile; what that
    raises ends dbmate. mask: hides secrets in what others say.
    """

    def __init__(
        self,
        folder: Path,
        query: Query,
        run: Run,
        mask: Callable[[str], str],
        lock_timeout_s: float,
    ) -> None:
        self._folder = folder
        self._query = query
        self._run = run
        self._mask = mask
        self._lock_timeout_s = lock_timeout_s
        self._known: Mapping[MigrationKind, Collection[str]] | None = None

    def require_distinct(self) -> None:
        """Raise InvalidInput when two files of a kind have one version."""
        for kind in TABLES:
            first: dict[str, File] = {}
            for file in files(self._folder / kind):
                other = first.setdefault(file.version, file)
                if other is not file:
                    raise InvalidInput(
                        f"two {kind} migrations have the version {file.version}",
                        why=f"{other.name} and {file.name}: a database remembers versions alone, "
                        "so one of them would never be applied",
                        hint="give the one that no database has yet another version",
                        place=Place(file.path),
                    )

    def pending(self, kind: MigrationKind) -> list[Path]:
        """Return the files not yet applied, in order.

        The database is asked once, for both kinds, until something was applied: each question may
        be a program of its own.
        """
        return [file.path for file in self._pending(kind)]

    def expect_none_applied(self) -> None:
        """Take it that the database, which is only being made, lacks all."""
        self._known = {}

    def _pending(self, kind: MigrationKind) -> list[File]:
        found = files(self._folder / kind)
        if found and self._known is None:
            self._known = self._applied()
        applied = (self._known or {}).get(kind, ())
        return [file for file in found if file.version not in applied]

    def _applied(self) -> dict[MigrationKind, Collection[str]]:
        """Return the versions that the database has of each kind that it has a table for."""
        there = ", ".join(
            f"to_regclass('public.{table}') IS NOT NULL AS {kind}" for kind, table in TABLES.items()
        )
        kinds = [kind for kind, is_there in self._query(f"SELECT {there}")[0].items() if is_there]
        if not kinds:
            return {}
        # As one row: a query returns a bounded number of them.
        listed = ", ".join(
            f"(SELECT json_agg(version) FROM {table}) AS {kind}"  # noqa: S608  # constants
            for kind, table in TABLES.items()
            if kind in kinds
        )
        answer = self._query(f"SELECT {listed}")[0]
        return {kind: answer[kind] or () for kind in TABLES if kind in kinds}

    def apply(self, kind: MigrationKind, deadline_s: float, tell: Tell) -> Sequence[str]:
        """Apply what is pending; return the names. Raises MigrationFailed at the first refused.

        One that waits for a lock gives way after a while, and is tried again until the deadline.
        tell: is given the name of a migration and what it waits for.
        """
        self.require_distinct()
        before = self._pending(kind)
        if not before:
            return []
        try:
            self._carry_out(kind, before, deadline_s, tell)
            left = self._pending(kind)
        except MigrationFailed:
            raise
        except DeployError as error:
            raise MigrationFailed(
                f"the {kind} migration {before[0].name} was not applied",
                why=f"{error.what}: {error.why}",
                hint=error.hint,
            ) from error
        if missed := [file.name for file in before if file in left]:
            raise MigrationFailed(
                f"the {kind} migration {missed[0]} was not applied",
                why="dbmate did all that it was given, without it",
                hint="build anew what holds the migrations: `./pants run deploytool -- ...` does",
            )
        return [file.name for file in before]

    def _carry_out(
        self, kind: MigrationKind, before: Sequence[File], deadline_s: float, tell: Tell
    ) -> None:
        sessions = MigrationSessions(self._query)
        watch = Watch(
            sessions,
            deadline=time.monotonic() + deadline_s,
            every_s=min(1.0, self._lock_timeout_s / 2),
            tell=lambda why: tell(self._first(kind, before).name, self._mask(why)),
        )
        try:
            self._try(kind, before, watch)
        except BaseException as error:
            # However the waiting ends, no session goes on in the database that nobody waits for.
            sessions.end()
            # The blocking session explains more than a last try whose pod did not start.
            was_starting = isinstance(error.__cause__, Late) and watch.blocker
            if not isinstance(error, Late) and not was_starting:
                raise
            first = self._first(kind, before)
            raise MigrationFailed(
                f"the {kind} migration {first.name} was not done within {deadline_s:.0f} s",
                why=self._mask(f"it waited for {watch.blocker}")
                if watch.blocker
                else "the database still worked at it",
                note=f"it was ended in the database, too; {_kept(first)}",
                hint=f"see that what it waits for ends, then {_again(kind)}; "
                "`--timeout SECONDS` gives it longer",
            ) from error
        finally:
            self._known = None

    def _try(self, kind: MigrationKind, before: Sequence[File], watch: Watch) -> None:
        """Have dbmate apply a kind until it does, or until it is refused for good."""
        pause_s = _PAUSE_S
        while True:
            done = self._run(kind, watch.look)
            if done.returncode == 0:
                return
            output = done.stdout + done.stderr
            begun = _begun(before, output)
            lacks_lock = any(code in output for code in _NO_LOCK)
            if not lacks_lock or (begun and not begun.is_atomic):
                raise self._failure(kind, begun, before, _words(output, watch.blocker))
            watch.say(f"its lock was not free: it gives way, and is tried again in {pause_s:.0f} s")
            again = time.monotonic() + pause_s
            while time.monotonic() < again:
                watch.require_time()
                time.sleep(_LOOK_S)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _first(self, kind: MigrationKind, before: Sequence[File]) -> File:
        """Return the file that is being applied, as far as the database can tell."""
        with suppress(DeployError):
            applied = self._applied().get(kind, ())
            return next((file for file in before if file.version not in applied), before[0])
        return before[0]

    def _failure(
        self, kind: MigrationKind, begun: File | None, before: Sequence[File], words: str
    ) -> MigrationFailed:
        file = begun or self._first(kind, before)
        return MigrationFailed(
            f"the {kind} migration {file.name} was {'refused' if begun else 'not begun'}",
            why=self._mask(words),
            note=f"{_kept(file)}; every service runs on as it did",
            hint=f"correct {file.path if begun else 'the cause named'}, then {_again(kind)}",
        )


def _begun(before: Sequence[File], output: str) -> File | None:
    """Return the file that dbmate had begun when it failed, None when it had begun none."""
    names = _BEGUN.findall(output)
    return next((file for file in before if names and file.name == names[-1].strip()), None)


def _words(output: str, blocker: str) -> str:
    lines = [line.strip() for line in output.splitlines()]
    told = [line for line in lines if line and not line.startswith(("Applying", "Applied"))]
    return "; ".join([*told, *([f"it waited for {blocker}"] if blocker else [])])


def _kept(file: File) -> str:
    """Say what stays when a file fails."""
    stays = "the migrations before it stay applied"
    return (
        stays
        if file.is_atomic
        else f"{stays}, as does what it did by itself: it is not one transaction"
    )


def _again(kind: MigrationKind) -> str:
    # A promotion that it follows is done: repeated, the command would be another one.
    return "`deploytool up` applies it" if kind == "contract" else "repeat the command"
