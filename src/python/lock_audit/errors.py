"""Why there is no answer; each with the exit code that says so.

1 is left to what nobody had expected, and to Pants, which ends with it when it cannot build.
"""

from typing import ClassVar


class NoAudit(Exception):
    """The audit did not take place."""

    exit_code: ClassVar[int]

    def __init__(self, what: str, *, why: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"error: {self.what}\n  why:  {self.why}\n  hint: {self.hint}"


class WrongLock(NoAudit):
    """A file is no lock as 3rdparty/python/lock writes them."""

    exit_code = 2


class NotAnswered(NoAudit):
    """The service of vulnerabilities was not reached, or does not know what was asked for."""

    exit_code = 4
