"""Killed at any transition, a replacement can be resumed and taken back; no visitor notices.

`killed.py` dies by SIGKILL right after the save that makes a transition, or right before.
"""

import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import ClassVar

import yaml

from deploytool.canary.machine import ENDS, Phase
from deploytool.traffic.load.counts import LoadCounts
from tests.end_to_end.deployed import COMPONENT, Deployed, events
from tests.end_to_end.policies import ALPHA
from tests.end_to_end.walks import COMMANDS, HURRIED, Transition, Walk

_PROGRAM = str(Path(__file__).with_name("killed.py"))
_QUICK = {
    "steps": [30, 50],
    "alpha": ALPHA,
    "tolerance": 0.5,
    "poll_s": 0.2,
    "warm_up_s": 0.2,
    "least_step_s": 0.5,
    "least_step_requests": 5,
}
_POLICIES = {
    COMPONENT: _QUICK,
    HURRIED: {**_QUICK, "tolerance": 0.0001, "step_deadline_s": 1.5},
}


@contextmanager
def quick_canaries(root: Path) -> Iterator[None]:
    """Declare meanwhile that canaries are quick, and that one component's cannot be judged."""
    declaration = root / "deploy" / "system.yaml"
    before = declaration.read_text()
    system = yaml.safe_load(before)
    for component, policy in _POLICIES.items():
        system["components"][component]["canary"] = policy
    declaration.write_text(yaml.safe_dump(system, sort_keys=False))
    try:
        yield
    finally:
        declaration.write_text(before)


class Matrix(ABC):
    """A deployed system whose canaries are quick, and the deploytool that is killed on it.

    tools: the folders that each next command is run from, in turn. A subclass says what is
    different on its platform.
    """

    # MODULE:CLASS of the target's store.
    store: ClassVar[str]

    def __init__(self, *tools: Deployed) -> None:
        self.tool = tools[0]
        self._tools = tools
        self._turns = cycle(tools)
        self._trial = 0
        self._told: set[Phase | None] = set()

    @abstractmethod
    def weight(self, component: str) -> int:
        """Return the share that the router sends to a canary."""

    @abstractmethod
    def running(self) -> list[str]:
        """Return the revisions that run, each as often as it runs as a stable or a canary."""

    @contextmanager
    def unnoticed(self, visitors: Callable[[], LoadCounts]) -> Iterator[None]:
        """See that no visitor notices what is done meanwhile. visitors: returns their counts."""
        before = visitors().failures
        try:
            yield
        finally:
            if self.tool.saved().canary is not None:
                # It failed: leave the next one a target at rest.
                self.tool.run("abort")
        assert visitors().failures == before, visitors()

    def go(self, walk: Walk, moment: str) -> None:
        """Take a way through the machine; see that the target is at rest at its end."""
        stable = self.tool.saved().stable
        for command, end in walk:
            self.tool = next(self._turns)
            if isinstance(end, Transition):
                self._kill(command, end, moment)
                self.see_what_is_told()
            else:
                self._run(command, *end)
        records = [events(tool.record(), "transition") for tool in self._tools]
        last = max((record[-1] for record in records if record), key=lambda line: line["time"])
        component, canary = last["object"].split()
        is_promoted = last["result"] == Phase.PROMOTED
        self._is_at_rest(component, canary if is_promoted else stable[component].id)

    def see_what_is_told(self) -> None:
        """See that status names what was interrupted, and how to go on: once for each phase."""
        canary = self.tool.saved().canary
        phase = canary.phase if canary else None
        if phase in self._told:
            return
        self._told.add(phase)
        told = self.tool.run("status").output
        if canary is None:
            assert "canary of" not in told
            return
        words = [
            f"canary of {canary.component}: {canary.canary.id} against stable {canary.stable.id}",
            "held: " if canary.phase is Phase.HELD else "interrupted: ",
            "deploytool resume",
            "deploytool abort",
        ]
        if canary.phase is Phase.OBSERVING:
            words.append(f"step {canary.step + 1}/{len(canary.steps)}: {canary.weight} %")
        assert [word for word in words if word not in told] == [], told

    def _kill(self, command: str, transition: Transition, moment: str) -> None:
        """Run a command that is killed right before or after it saves the transition."""
        before, _, after = transition
        argv = [_PROGRAM, self.store, moment, before or "none", after, *self._arguments(command)]
        ended = self.tool.run(*argv, PEX_INTERPRETER="1")
        assert ended.code == -signal.SIGKILL, str(ended)
        phase = after if moment == "after" else before
        canary = self.tool.saved().canary
        assert (canary.phase if canary else None) == (None if phase in ENDS else phase)
        if moment == "before":  # the record is ahead: nothing is done that is not on it
            assert events(self.tool.record(), "transition")[-1]["result"] == after

    def _run(self, command: str, word: str, code: int) -> None:
        """Run a command to its end: it must exit with the code, and say the word."""
        ended = self.tool.run(*self._arguments(command), "--output", "json")
        assert ended.code == code, str(ended)
        assert word in ended.output + ended.errors, str(ended)

    def _is_at_rest(self, component: str, revision: str) -> None:
        """See that the revision is stable, serves everything, and runs alone."""
        state = self.tool.saved()
        assert state.canary is None
        assert state.stable[component].id == revision
        assert self.weight(component) == 0
        assert sorted(self.running()) == sorted(each.id for each in state.stable.values())

    def _arguments(self, command: str) -> list[str]:
        """Fill in a trial of its own for each canary: a revision that never was."""
        self._trial += 1
        return [word.format(self._trial) for word in COMMANDS[command]]
