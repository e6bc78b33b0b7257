"""`.ci/decide TARGET RELEASE COMMAND...`: what a person decides, by the tool of a release.

COMMAND: `abort`, `promote`, `resume`, or `rollback [COMPONENT] [--to REVISION]`. Exits as it does.
"""

import sys
from pathlib import Path

from pipeline.delivery.deploying import Step
from pipeline.delivery.tool import Tool, kubeconfig
from pipeline.delivery.verdict import of_decision
from pipeline.summary import show


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    target, release, *command = sys.argv[1:]
    with kubeconfig():
        ended = Tool.of_release(target, Path(release)).run(*command)
    show(of_decision(target, command, Step(tuple(command), ended)))
    return ended.code


if __name__ == "__main__":
    sys.exit(main())
