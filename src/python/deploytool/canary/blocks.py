"""Which polls are judged: merged until they hold enough requests, never across a weight change."""

from typing import Self

from pydantic import NonNegativeInt, PositiveInt

from deploytool.canary.observation import NOTHING, Frozen, Observation, Reset


class Blocks(Frozen):
    """Polls on their way to becoming a block.

    The size of a block is measured in requests of both arms. Waiting for failures or for one arm's
    requests instead would let the outcome choose the moment of the look.
    """

    least_requests: PositiveInt
    pending: Observation = NOTHING
    polls_to_drop: NonNegativeInt = 0
    dropped_polls: NonNegativeInt = 0

    def dropping(self, polls: int) -> Self:
        """Give up the unfinished block and at least the next `polls` polls."""
        to_drop = max(self.polls_to_drop, polls)
        return self.model_copy(update={"pending": NOTHING, "polls_to_drop": to_drop})

    def after(self, poll: Observation | Reset) -> tuple[Self, Observation | None]:
        """Take in one poll; return the finished block, if this poll finished one."""
        is_same = not isinstance(poll, Reset) and not poll.seconds
        if self.polls_to_drop and is_same:
            # The router's counters were not read anew since, where somebody else reads them: what
            # is to be dropped is still to come.
            return self, None
        if self.polls_to_drop or isinstance(poll, Reset):
            dropped = {
                "polls_to_drop": max(0, self.polls_to_drop - 1),
                "dropped_polls": self.dropped_polls + 1,
            }
            return self.model_copy(update=dropped), None
        pending = self.pending.plus(poll)
        if pending.requests < self.least_requests:
            return self.model_copy(update={"pending": pending}), None
        return self.model_copy(update={"pending": NOTHING}), pending
