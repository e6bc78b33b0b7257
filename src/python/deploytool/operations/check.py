"""What `verify` finds: one check a line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found.

    is_true: None when it could not be looked at, which is neither a success nor a failure.
    """

    object: str
    statement: str
    is_true: bool | None
    found: str

    @property
    def result(self) -> str:
        """The result in a word."""
        return {True: "ok", False: "failed", None: "not tried"}[self.is_true]
