"""How a step of the pipeline fails: told in three lines, with an exit code."""

from dataclasses import dataclass


@dataclass
class StepFailed(Exception):
    """A step cannot do its work.

    what: one line naming the object. why: the observed cause. hint: what to do. exit_code: that of
    the program.
    """

    what: str
    why: str
    hint: str
    exit_code: int = 1

    def __str__(self) -> str:
        """Return the lines that people read."""
        return f"error: {self.what}\n  why:  {self.why}\n  hint: {self.hint}"
