"""The exit code of an interrupted run of Pants; this module imports nothing of Pants.

Pants ends with 1 on Ctrl-C, also when the tool that it ran has ended in order and said 130.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any, Callable

INTERRUPTED = 130


def telling_interruption(perform: Callable[..., int]) -> Callable[..., int]:
    """Return what performs a run as before, but ends with 130 when it is interrupted."""
    if getattr(perform, "tells_interruption", False):  # a daemon registers its plugins again
        return perform

    @wraps(perform)
    def performed(*arguments: Any, **named: Any) -> int:
        try:
            return perform(*arguments, **named)
        except KeyboardInterrupt:
            print("Interrupted by user.", file=sys.stderr)  # noqa: T201 - as Pants does
            return INTERRUPTED

    performed.tells_interruption = True  # type: ignore[attr-defined]
    return performed
