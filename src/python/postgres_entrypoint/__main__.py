"""The entry point: `postgres` with options, or options alone, or another program of the image."""

import os
import signal
import sys
from types import FrameType

from postgres_entrypoint import cluster, scripts
from postgres_entrypoint.environment import data_folder, wishes, without_secrets
from postgres_entrypoint.errors import Refused
from postgres_entrypoint.server import program

# Options with which the server only says something.
_ONLY_SAY = {"-?", "--help", "-V", "--version", "--describe-config", "-C"}


def main() -> None:
    """Make the cluster if it is missing, then become the program asked for; exits with 1 if not."""
    argv = sys.argv[1:]
    if not argv or argv[0].startswith("-"):
        argv = ["postgres", *argv]
    # The first process of a container gets no signal that it does not ask for.
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, _stop)
    if argv[0] == "postgres" and not _ONLY_SAY.intersection(argv):
        try:
            _prepare()
        except Refused as refused:
            sys.exit(str(refused))
        # In front, so that options given later win. The folder that Debian's server prefers is not
        # writable in a container with a root file system that is read-only.
        argv[1:1] = [f"-D{data_folder(os.environ)}", "-cunix_socket_directories=/tmp"]
    _become(argv)


def _prepare() -> None:
    data = data_folder(os.environ)
    if not cluster.exists(data):
        # Everything is looked at before anything is made.
        cluster.create(data, wishes(os.environ), scripts.found())
    cluster.keep_private(data)


def _become(argv: list[str]) -> None:
    path = program("postgres") if argv[0] == "postgres" else argv[0]
    try:
        os.execvpe(path, argv, without_secrets(os.environ))  # noqa: S606
    except OSError as error:
        sys.exit(f"error: {argv[0]} cannot be run\n  why:  {error.strerror}\n  hint: see PATH")


def _stop(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
