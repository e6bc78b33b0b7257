"""Counters that several pods keep: one sum, whichever pods come and go meanwhile."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from deploytool.canary.observation import ArmCounters, Snapshot
from deploytool.traffic.metrics import UNSERVED, GatewayScrape
from deploytool.traffic.traefik_file import ARMS, Arm

_NOTHING = ArmCounters()

Look = tuple[float, frozenset[Arm]]


@dataclass(frozen=True, slots=True)
class Taken:
    """When the counters of a look were taken, in seconds on the clock of who took them.

    oldest, newest: of all pods. looked: the time of the look itself, later where they lag.
    """

    oldest: float
    newest: float
    looked: float

    @classmethod
    def at(cls, now: float) -> Self:
        """Return the times of counters that were read at the moment of the look."""
        return cls(now, now, now)

    @property
    def is_now(self) -> bool:
        """Whether no pod's counters are of before the look: they go with what is set at it."""
        return self.oldest == self.looked


class GatewayCounters:
    """Sums up what each pod has counted of a component, as long as this object lives.

    What a pod counted that is gone stays in the sum; what it counted after it was last read is
    lost, for both arms alike. A pod that was not there before has counted all it tells meanwhile.
    """

    def __init__(self) -> None:
        self._last: dict[str, GatewayScrape] = {}
        self._unserved: int | None = None
        self._blamed: dict[Arm, int] = dict.fromkeys(ARMS, 0)
        # Since the oldest counters that growth is measured from, and the one before these.
        self._looks: list[Look] = []
        self._oldest = self._newest = -math.inf

    def snapshot(
        self, read: Mapping[str, GatewayScrape], empty: Collection[Arm], taken: Taken
    ) -> Snapshot:
        """Return both arms' sums. Raises ValueError when two pods have not the same buckets.

        read: by pod, as it was started. empty: the arms that have no backend ready now.
        """
        # Nobody knows since when one counts that was not seen before: no later than all looks.
        since = self._oldest if read.keys() <= self._last.keys() else -math.inf
        self._last.update(read)
        self._looks.append((taken.looked, frozenset(empty)))
        self._blame(suspects(self._looks, since, taken.newest))
        if read:
            self._oldest = taken.oldest
            self._looks = self._looks[_last_before(self._looks, taken.oldest) :]
        # The pod with the newest may be gone.
        self._newest = max(self._newest, taken.newest)
        return Snapshot(
            taken_at=self._newest, stable=self._sum("stable"), canary=self._sum("canary")
        )

    def _blame(self, suspects: frozenset[Arm]) -> None:
        """Count what nobody served since the last look as the failure of the arm without backends.

        Where both or none had one, nobody can tell whose the requests were.
        """
        unserved = sum(scrape.unserved for scrape in self._last.values())
        grown = 0 if self._unserved is None else unserved - self._unserved
        if grown > 0 and len(suspects) == 1:
            self._blamed[next(iter(suspects))] += grown
        self._unserved = unserved

    def _sum(self, arm: Arm) -> ArmCounters:
        blamed = self._blamed[arm]
        total = ArmCounters(requests={UNSERVED: blamed}) if blamed else _NOTHING
        for scrape in self._last.values():
            total = total.plus(scrape.arms.get(arm, _NOTHING))
        return total


def suspects(looks: Sequence[Look], since: float, until: float) -> frozenset[Arm]:
    """Return the arms that were seen empty in a time, by the looks that enclose it.

    looks: by time. What was counted until then may become known many looks later.
    """
    first = _last_before(looks, since)
    last = next((i for i, (at, _) in enumerate(looks) if at >= until), len(looks) - 1)
    seen = looks[first : max(first, last) + 1]
    return frozenset(arm for _, empty in seen for arm in empty)


def _last_before(looks: Sequence[Look], time: float) -> int:
    return max((i for i, (at, _) in enumerate(looks) if at <= time), default=0)
