"""The scripts that a new database begins with."""

import gzip
from dataclasses import dataclass
from pathlib import Path

from postgres_entrypoint.errors import Refused
from postgres_entrypoint.server import Session

FOLDER = Path("/docker-entrypoint-initdb.d")
PLAIN, PACKED = ".sql", ".sql.gz"


@dataclass(frozen=True, slots=True)
class Script:
    """One file of SQL."""

    path: Path

    def run(self, session: Session, database: str) -> None:
        """Run it. Raises Refused."""
        print(f"running {self.path}", flush=True)  # noqa: T201
        try:
            content = self.path.read_bytes()
            if self.path.name.endswith(PACKED):
                content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise Refused(
                f"{self.path} cannot be read",
                why=str(error),
                hint="let user 65532 read it (mode 0444) and start again",
            ) from error
        session.run(database, content, what=str(self.path))


def found(folder: Path = FOLDER) -> list[Script]:
    """Return the scripts by name. Raises Refused when there is one that could not be run."""
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise Refused(
            f"{folder} cannot be read", why=str(error), hint="let user 65532 read it (mode 0755)"
        ) from error
    for path in paths:
        if path.suffix == ".sh":
            raise Refused(
                f"{path} cannot be run",
                why="this image has no shell",
                hint="write it as SQL (.sql or .sql.gz), or use the public postgres image",
            )
        if not path.name.endswith((PLAIN, PACKED)):
            print(f"ignoring {path}: neither .sql nor .sql.gz", flush=True)  # noqa: T201
    return [Script(path) for path in paths if path.name.endswith((PLAIN, PACKED))]
