"""How a component's requests are shared out between stable and canary: one protocol, two ways."""

from typing import NamedTuple, Protocol

from deploytool.canary.observation import Snapshot
from deploytool.platforms.kubernetes.objects import Object
from deploytool.system.revision import Revision

# A share is in force within this time after it was given where nobody waits for anything else.
SHARE_S = 30.0


class Pods(NamedTuple):
    """How many pods a canary is to have for a share. least: with fewer it cannot have the share."""

    wanted: int
    least: int


class Sharing(Protocol):
    """The way of one target. Every method may be repeated; all raise PlatformFailed."""

    def require_support(self) -> None:
        """Raise InvalidInput for what the declaration wants and cannot be had this way."""

    def pods(self, stable: int, canary: int, percent: int) -> Pods:
        """Return how many pods a canary is to have for a share of 1-100 %.

        stable, canary: how many there are.
        """

    def begin(self, revision: Revision, service: Object) -> None:
        """Make what a canary needs to be given a share; without one it gets no requests yet.

        service: stable's, as the manifests have it.
        """

    def percent(self, component: str) -> int | None:
        """Return the canary's share that is in force; None when there is no canary."""

    def give(self, component: str, percent: int | None, deadline_s: float) -> None:
        """Give the canary its share, None without one; return once it is in force."""

    def keep_share(self, wanted: Object, live: Object) -> Object:
        """Return an object of the manifests with the share that the live one has."""

    def observe(self, component: str) -> Snapshot:
        """Return what both arms were asked and how they answered, in one snapshot."""
