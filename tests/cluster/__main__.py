"""The command line: `python -m tests.cluster up`, `down` or `kubeconfig`."""

import argparse
import logging
import sys
import time

from tests.cluster import kubeconfig
from tests.cluster.lifecycle import down, up
from tests.cluster.waiting import ClusterFailed

_LOG = logging.getLogger("tests.cluster")
_COMMANDS = {
    "up": "bring the cluster up, unless it is, and print where its kubeconfig is",
    "down": "end it and remove all of it",
    "kubeconfig": "print the kubeconfig of the cluster that tests use: KUBECONFIG's, else this one",
}


def main() -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in _COMMANDS.items():
        commands.add_parser(name, help=text)
    command = parser.parse_args().command
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    started = time.monotonic()
    try:
        _run(command)
    except ClusterFailed as error:
        _LOG.error("error: %s", error)
        return 1
    _LOG.info("%s: done after %.1f s", command, time.monotonic() - started)
    return 0


def _run(command: str) -> None:
    if command == "down":
        down()
        return
    path = up() if command == "up" else kubeconfig()
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    sys.exit(main())
