"""What the user of the target can put right."""

from __future__ import annotations


class FreezingError(Exception):
    """Nothing was packaged; shown as three lines, without a traceback."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(f"error: {what}\n  why:  {why}\n  hint: {hint}")
