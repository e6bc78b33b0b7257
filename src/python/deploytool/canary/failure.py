"""Which answers of a router are failures of the backend, and of what kind."""

from enum import StrEnum


class FailureKind(StrEnum):
    """What a failed request met, as far as the router's status code tells."""

    SERVER_ERROR = "server error"  # the backend's own 5xx
    TIMEOUT = "timeout"  # no answer in time
    NO_CONNECTION = "failed connection"  # refused, reset, or no answer at all
    CLIENT_ERROR = "client error"  # 4xx: a failure only for those who count it


_OF_THE_ROUTER = {
    0: FailureKind.NO_CONNECTION,
    502: FailureKind.NO_CONNECTION,
    504: FailureKind.TIMEOUT,
}


def failure_kind(code: int) -> FailureKind | None:
    """Return how a request with this status failed; None for those that did not.

    A router answers 502 for a backend that it cannot reach and 504 for one that is too slow; a
    backend that answers so itself cannot be told from that.
    """
    if code in _OF_THE_ROUTER:
        return _OF_THE_ROUTER[code]
    if 500 <= code <= 599:
        return FailureKind.SERVER_ERROR
    return FailureKind.CLIENT_ERROR if 400 <= code <= 498 else None
