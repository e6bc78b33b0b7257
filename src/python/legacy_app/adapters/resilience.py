"""When to try a call again and when not to try at all: pure, time comes in as an argument."""


class RetryBudget:
    """Lets retries be a share of the calls, so that they cannot multiply an overload.

    Each call earns `ratio` of a retry; `burst` retries can be saved up, and are at the start.
    """

    def __init__(self, ratio: float = 0.1, burst: float = 10.0) -> None:
        self._ratio = ratio
        self._burst = burst
        self._saved = burst

    @property
    def has_retry(self) -> bool:
        """Whether a retry can be paid for."""
        return self._saved >= 1

    def earn(self) -> None:
        """Count a call."""
        self._saved = min(self._burst, self._saved + self._ratio)

    def spend(self) -> None:
        """Pay for a retry."""
        self._saved -= 1


class CircuitBreaker:
    """Stops calling a service that only fails, and then lets a single call find out.

    It opens after `threshold` failures in a row: a service of which a part fails is still worth
    calling, and its failures have to be seen by whoever judges it.
    """

    def __init__(self, threshold: int = 20, rest_s: float = 1.0) -> None:
        self._threshold = threshold
        self._rest_s = rest_s
        self._failures = 0
        self._next_call_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are held back at all."""
        return self._failures >= self._threshold

    def lets_through(self, now_s: float) -> bool:
        """Return whether to call now; a yes while open is for one call."""
        if not self.is_open:
            return True
        if now_s < self._next_call_s:
            return False
        # Until the outcome of this call is known, the others wait for another rest.
        self._next_call_s = now_s + self._rest_s
        return True

    def succeeded(self) -> None:
        """Count an answer, whatever it says."""
        self._failures = 0

    def failed(self, now_s: float) -> None:
        """Count a failure of the service."""
        self._failures += 1
        if self.is_open:
            self._next_call_s = now_s + self._rest_s
