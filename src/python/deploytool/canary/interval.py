"""How well a rate is known: an interval that holds at every moment one looks at it.

A rate p is in the interval while the counts are not too much likelier under a uniform mixture of
all rates than under p. By Ville's inequality the true rate ever leaves it with probability at most
alpha (Robbins' mixture for a binomial rate; the requests must fail independently of each other).
"""

import math
from collections.abc import Callable

_HALVINGS = 60


def rate_interval(hits: int, requests: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return the lowest and the highest rate (0-1) that the counts allow; (0, 1) for no request."""
    if not requests:
        return 0.0, 1.0
    log_mixture = (
        math.lgamma(hits + 1) + math.lgamma(requests - hits + 1) - math.lgamma(requests + 2)
    )

    def is_refuted(rate: float) -> bool:
        log_likelihood = _power(hits, rate) + _power(requests - hits, 1 - rate)
        return log_mixture - log_likelihood >= -math.log(alpha)

    seen = hits / requests
    return _edge(0.0, seen, is_refuted), _edge(1.0, seen, is_refuted)


def _edge(outside: float, inside: float, is_refuted: Callable[[float], bool]) -> float:
    """Bisect for the border between a rate at the end of the scale and one that was seen."""
    if not is_refuted(outside):
        return outside
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if is_refuted(middle) else (outside, middle)
    return inside


def _power(count: int, rate: float) -> float:
    """Return log(rate ** count), with 0 ** 0 = 1."""
    if not count:
        return 0.0
    return count * math.log(rate) if rate > 0 else -math.inf
