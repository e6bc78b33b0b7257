"""Which answers of a router are failures of the backend and of what kind, and what others are."""

from enum import StrEnum

CLIENT_GAVE_UP = 499
"""The client left. A failure only after it waited longer than stable's slowest requests take, where
that is known; its waiting time always counts as latency, or the slowest requests of a slow canary
would vanish."""
_NOT_MODIFIED = 304


class FailureKind(StrEnum):
    """What a failed request met, as far as the router's status code tells."""

    SERVER_ERROR = "server error"  # the backend's own 5xx
    TIMEOUT = "timeout"  # no answer in time
    NO_CONNECTION = "failed connection"  # refused, reset, or no answer at all
    GAVE_UP = "wait given up"  # by the client, later than it had to wait before


_OF_THE_ROUTER = {
    0: FailureKind.NO_CONNECTION,
    CLIENT_GAVE_UP: FailureKind.GAVE_UP,
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
    return FailureKind.SERVER_ERROR if 500 <= code <= 599 else None


def is_client_error(code: int) -> bool:
    """Tell whether the backend says that the request was at fault."""
    return 400 <= code <= 498


def is_success(code: int) -> bool:
    """Tell whether the answer is what was asked for, or says that the client has it already."""
    return 200 <= code <= 299 or code == _NOT_MODIFIED


def is_redirect(code: int) -> bool:
    """Tell whether the client is sent elsewhere."""
    return 300 <= code <= 399 and code != _NOT_MODIFIED
