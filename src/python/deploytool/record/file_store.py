"""The target's state, lock and wishes as files of one folder, for targets on this machine."""

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from deploytool.errors import Locked, RecordFailed
from deploytool.record.store import Holder, TargetState, Wish, read_state

# Asking who holds the lock holds it for an instant; a taker looks again for so long.
_ASKING_S = 0.2
# Kept free for taking a canary back on a disk that is full: state, routes and record fit in.
_RESERVE = "reserve"
_RESERVE_BYTES = 1 << 20


def write_durably(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step; its content is on disk when this returns. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    # The new name itself is lost in a power cut unless its folder is written as well.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def release_reserve(folder: Path) -> None:
    """Free the space that a store keeps in its folder for what must be done on a full disk."""
    with contextlib.suppress(OSError):
        (folder / _RESERVE).unlink()


class FileStore:
    """A target's state.json, lock and wishes in a folder, which is made with the first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = folder / "state.json"
        self._lock = folder / "lock"

    def load(self) -> TargetState:
        """Return the state, an empty one at first. Raises RecordFailed when it is damaged."""
        try:
            return read_state(self._state.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return TargetState()
        except (OSError, ValidationError) as error:
            raise RecordFailed(
                f"the state in {self._state} cannot be read",
                why=_first_line(error),
                hint="put back a copy of it, or move it away and run `deploytool up`, "
                "which then deploys the current build as stable",
            ) from error

    def save(self, state: TargetState) -> None:
        """Replace the state; it is on disk when this returns. Raises RecordFailed."""
        self._write(self._state, state)
        if state.canary is None:
            self._reserve()

    def _reserve(self) -> None:
        """Keep space, while there is some and nothing else needs it."""
        path = self._folder / _RESERVE
        if not path.exists():
            with contextlib.suppress(OSError):
                write_durably(path, " " * _RESERVE_BYTES)

    @contextlib.contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Hold the target. Raises Locked, naming the holder, when another process holds it."""
        # The kernel frees the lock with the holder's death; children do not inherit it, as
        # Python opens files close-on-exec.
        with self._take() as file:
            try:
                file.truncate()
                file.write(holder.model_dump_json())
                file.flush()
            except OSError as error:
                raise _unwritable(self._lock, error) from error
            yield

    def holder(self) -> Holder | None:
        """Return who holds the lock now."""
        try:
            file = self._lock.open(encoding="utf-8")
        except OSError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read_holder(file)
        return None

    def post_wish(self, wish: Wish) -> None:
        """Keep the wish beside those of others; durable on return. Raises RecordFailed."""
        self._write(self._folder / f"wish-{wish.by}.json", wish)

    def take_wishes(self, run: str) -> tuple[Wish, ...]:
        """Remove the wishes there are; return those for the run. Raises RecordFailed."""
        posted = sorted(self._folder.glob("wish-*.json"))
        taken = [wish for path in posted if (wish := self._taken(path)) is not None]
        return tuple(wish for wish in taken if wish.run == run)

    def _taken(self, path: Path) -> Wish | None:
        taken = self._folder / ".wish.taken"
        try:
            # Renamed before it is read: one posted at this moment stays for the next look.
            path.rename(taken)
            wish = Wish.model_validate_json(taken.read_bytes())
            taken.unlink()
        except FileNotFoundError:
            return None
        except ValidationError:
            return None  # posted by another version of this tool
        except OSError as error:
            raise _unwritable(path, error) from error
        return wish

    def _write(self, path: Path, content: TargetState | Wish) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(path, content.model_dump_json(indent=2))
        except OSError as error:
            raise _unwritable(path, error) from error

    def _take(self) -> IO[str]:
        deadline = time.monotonic() + _ASKING_S
        while True:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise _unwritable(self._lock, error) from error
            file = os.fdopen(descriptor, "r+", encoding="utf-8")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current(file):
                    return file
                file.close()  # its holder deleted the folder meanwhile: nobody else sees this file
            except BlockingIOError:
                holder = _read_holder(file)
                file.close()
                if time.monotonic() > deadline:
                    raise _locked(holder) from None
                time.sleep(0.02)

    def _is_current(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._lock.stat())
        except FileNotFoundError:
            return False


def _read_holder(file: IO[str]) -> Holder | None:
    try:
        return Holder.model_validate(json.load(file))
    except ValueError:  # taken this instant: not written yet
        return None


def _locked(holder: Holder | None) -> Locked:
    if holder is None:
        who = "another operation has just taken it"
    else:
        who = (
            f"`{holder.command}` (run {holder.run}) by {holder.user}@{holder.host}, "
            f"pid {holder.pid}, since {holder.since}"
        )
    return Locked("the target is locked", why=who, hint="wait for it to end, then try again")


def _unwritable(path: Path, error: OSError) -> RecordFailed:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return RecordFailed(
            f"{path} cannot be written",
            why="no space left on the device",
            hint="free some space, then repeat the command",
        )
    return RecordFailed(
        f"{path} cannot be written",
        why=error.strerror or str(error),
        hint="make its folder writable for this user, or choose another in targets.yaml",
    )


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'content'}: {first['msg']}"
    return str(error)
