"""Bring a release to a target: first what an earlier run left, then canaries, then the rest.

The decisions are pure functions of what deploytool says; `Deployment` carries them out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.delivery.tool import Ended

# Exit codes of deploytool.
DONE, FAILED, CHANGES, ROLLED_BACK, HELD, LOCKED = 0, 1, 3, 4, 5, 6

Run = Callable[..., Ended]


class Left(StrEnum):
    """What an earlier run left on the target, by what is done about it."""

    NOTHING = "nothing"
    # A canary of this very release was interrupted: it goes on with its evidence. So does any that
    # is stable already, and only to be removed.
    RESUME = "resume"
    # One of another release was interrupted: it is taken back, and this release gets its turn.
    ABORT = "abort"
    # One is held: people decide about it, and no release passes by them.
    DECIDE = "decide"


@dataclass(frozen=True)
class Step:
    """One command of deploytool, and how it ended."""

    command: tuple[str, ...]
    ended: Ended


@dataclass
class Deployment:
    """A release on its way to a target. steps: what was done so far that changed something.

    is_unchanged: the target runs the release already.
    """

    run: Run
    release: Path
    steps: list[Step] = field(default_factory=list)
    is_unchanged: bool = False

    def deploy(self) -> int:
        """Do all of it; return the exit code of deploytool's command that decided."""
        status = self.run("status")
        if status.code != DONE:
            return self._did(("status",), status)
        plan = self.run("plan", *self._of_release)
        if plan.code not in {DONE, CHANGES}:
            return self._did(("plan",), plan)
        match what_was_left(status.result, plan.result):
            case Left.DECIDE:
                canary = status.result["canary"]
                held = {**canary, "result": "held", "left": True}
                return self._did(("status",), Ended(HELD, held))
            case Left.RESUME:
                code = self._do("resume")
            case Left.ABORT:
                code = self._do("abort")
            case Left.NOTHING:
                code = DONE
        if code == DONE and self.steps:
            plan = self.run("plan", *self._of_release)
        return code or self._replace(plan)

    def _replace(self, plan: Ended) -> int:
        """Replace what differs: each service by a canary, all else by `up`."""
        if plan.code not in {DONE, CHANGES}:
            return self._did(("plan",), plan)
        if plan.code == DONE:
            self.is_unchanged = not self.steps
        for component in to_canary(plan.result):
            if code := self._do("canary", component, *self._of_release):
                return code
        return self._do("up", *self._of_release)

    @property
    def _of_release(self) -> tuple[str, ...]:
        return ("--release", str(self.release))

    def _do(self, *command: str) -> int:
        return self._did(command, self.run(*command))

    def _did(self, command: tuple[str, ...], ended: Ended) -> int:
        self.steps.append(Step(command, ended))
        return ended.code


def what_was_left(status: Mapping[str, Any], plan: Mapping[str, Any]) -> Left:
    """Say what is to be done about the canary that status tells of, before this plan.

    A canary that somebody works on is nobody's leavings: the next command says who that is.
    """
    canary = status.get("canary")
    if not canary or status.get("holder"):
        return Left.NOTHING
    if canary["phase"] == "held":
        return Left.DECIDE
    wanted = {
        change["object"]: change["revision"]["id"]
        for change in plan["changes"]
        if change.get("revision")
    }
    is_stable = canary["phase"] == "cleaning"
    is_of_release = wanted.get(canary["component"]) == canary["canary"]
    return Left.RESUME if is_of_release or is_stable else Left.ABORT


def to_canary(plan: Mapping[str, Any]) -> Sequence[str]:
    """Return the components that run and become another revision, in the plan's order."""
    return [
        change["object"]
        for change in plan["changes"]
        if change["op"] == "update" and change.get("revision")
    ]
