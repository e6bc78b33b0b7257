"""Makes a cluster that is complete or not there at all."""

import os
import shutil
import subprocess
from pathlib import Path

from postgres_entrypoint.environment import Wishes
from postgres_entrypoint.errors import Refused
from postgres_entrypoint.scripts import Script
from postgres_entrypoint.server import MAJOR, Session, private_server, program

# Inside the data folder, which may be a volume of its own; the cluster moves up when it is whole.
FRESH = ".initialising"
VERSION = "PG_VERSION"
# Of some file systems, at the root of a volume.
IGNORED = "lost+found"


def exists(data: Path) -> bool:
    """Tell whether a cluster is there. Raises Refused when this server cannot read it."""
    try:
        version = (data / VERSION).read_text().strip()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(data, error) from error
    if version != MAJOR:
        raise Refused(
            f"{data} is not a database of PostgreSQL {MAJOR}",
            why=f"it was made by PostgreSQL {version}",
            hint=f"dump it with PostgreSQL {version} and load that into an empty folder",
        )
    return True


def create(data: Path, wishes: Wishes, scripts: list[Script]) -> None:
    """Make a cluster with its database, and run the scripts. Raises Refused; then nothing is left.

    What an attempt that was killed left behind is removed first.
    """
    fresh = data / FRESH
    try:
        data.mkdir(parents=True, exist_ok=True)
        if fresh.exists():
            _clear(data)
        others = sorted(path.name for path in data.iterdir() if path.name != IGNORED)
    except OSError as error:
        raise _unusable(data, error) from error
    if others:
        raise Refused(
            f"{data} holds something that is no database",
            why=f"there is {others[0]}, and no {VERSION}",
            hint="empty the folder, or set PGDATA to another one",
        )
    try:
        _initdb(fresh, wishes)
        with private_server(fresh, wishes.user) as session:
            _make_database(session, wishes)
            for script in scripts:
                script.run(session, wishes.database)
        _move_up(fresh)
    except BaseException:
        _clear(data)
        raise


def keep_private(data: Path) -> None:
    """Open the folder to nobody else; the server refuses one that is.

    One made below a volume is as open as the mask of files is, and its group may have been let in
    by whoever mounted the volume.
    """
    try:
        data.chmod(0o700)
    except PermissionError:
        return  # another user's: the server says so, with all that is wrong
    except OSError as error:
        raise _unusable(data, error) from error


def _initdb(data: Path, wishes: Wishes) -> None:
    # A pipe, as a file could be left behind.
    reading, writing = os.pipe()
    os.write(writing, (wishes.password or "").encode() + b"\n")
    os.close(writing)
    argv = [
        program("initdb"),
        f"--pgdata={data}",
        f"--username={wishes.user}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        # The socket is inside the container.
        "--auth-local=trust",
        f"--auth-host={wishes.auth_method}",
        "--no-instructions",
        *([f"--pwfile=/dev/fd/{reading}"] if wishes.password else []),
        *wishes.initdb_args,
    ]
    try:
        done = subprocess.run(argv, pass_fds=[reading], check=False)
    finally:
        os.close(reading)
    if done.returncode != 0:
        raise Refused(
            "initdb failed",
            why="see its lines above",
            hint="correct the cause named there, or POSTGRES_INITDB_ARGS, and start again",
        )
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(f"\nhost all all all {wishes.auth_method}\n")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("\nlisten_addresses = '*'\n")


def _make_database(session: Session, wishes: Wishes) -> None:
    if wishes.database != "postgres":
        name = wishes.database.replace('"', '""')
        statement = f'CREATE DATABASE "{name}";\n'.encode()
        session.run("postgres", statement, what=f"the database {wishes.database}")


def _move_up(fresh: Path) -> None:
    """Move the cluster to where it is looked for; the file that says so comes last."""
    for path in sorted(fresh.iterdir(), key=lambda each: each.name == VERSION):
        path.rename(fresh.parent / path.name)
    fresh.rmdir()


def _clear(data: Path) -> None:
    """Remove what is in the folder; the attempt's own folder last, which is the sign of one."""
    for path in sorted(data.iterdir(), key=lambda each: each.name == FRESH):
        if path.name == IGNORED:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _unusable(data: Path, error: OSError) -> Refused:
    return Refused(
        f"{data} cannot be used",
        why=f"{error.strerror}: {error.filename}",
        hint="let user 65532 own the volume, or set PGDATA to a folder in it that it can make",
    )
