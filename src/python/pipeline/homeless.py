"""`python -m pipeline.homeless <TARGETS`: see that some stage of the gate runs each test.

TARGETS is what `pants peek ::` prints. Stages choose tests by their tags: one with the
wrong tags would be run by none, and nobody would notice.
"""

from __future__ import annotations

import sys

from pipeline.graph import Graph
from pipeline.selection import PLATFORMS

# The tag of tests of whole systems; each has that of its platform, too.
END_TO_END = "end-to-end"


def homeless(graph: Graph) -> str | None:
    """Return why no stage, or more than one, would run a test of a whole system, if so."""
    for test in graph.of_kinds("python_test"):
        if END_TO_END in test.tags and len(test.tags & set(PLATFORMS)) != 1:
            return f"{test.address} is tagged {END_TO_END}, and not with one platform"
    return None


def main() -> int:
    """Do it for the targets on standard input; return the exit code."""
    found = homeless(Graph.read(sys.stdin.read()))
    if found is None:
        return 0
    sys.stderr.write(
        f"error: there is a test that no stage runs, or several do\n  why:  {found}\n"
        f"  hint: add one of {', '.join(PLATFORMS)} to its tags, in the BUILD file\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
