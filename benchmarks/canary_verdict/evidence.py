"""Whole canaries, many at once: the product's CanaryEvidence in arrays, and a sample beside it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict.rivals import Rival
from benchmarks.canary_verdict.rollback import Bools, Floats, Ints, Rollbacks, Tables, log_sum
from benchmarks.canary_verdict.share import Shares
from benchmarks.canary_verdict.traffic import Arm, Poll, Traffic
from deploytool.canary.evidence import ROUNDING
from deploytool.canary.failure import CLIENT_GAVE_UP
from deploytool.canary.metric import MetricKind
from deploytool.canary.observation import ArmCounters, Observation, Pair
from deploytool.canary.verdict import POLLS_AFTER_MOVE, CanaryEvidence

SAMPLE = 10
"""Runs of each scenario that go through the product itself as well."""


class Evidences:
    """As many canaries as there are runs, all begun like `start`."""

    def __init__(self, start: CanaryEvidence, runs: int) -> None:
        self.start = start
        self.metrics = [Rollbacks(metric.process, runs) for metric in start.metrics]
        self.shares = Shares(start.share, runs)
        self.polls_to_drop = 0
        self.pending: Poll | None = None
        self.log_e = self._log_e()

    def _log_e(self) -> Floats:
        """Average the metrics' e-values by their weights, in logs."""
        log_alpha = math.log(self.start.policy.alpha)
        weighted = [each.log_e - math.log(each.start.limit) - log_alpha for each in self.metrics]
        return log_sum(np.stack(weighted, axis=1))

    @property
    def is_rejected(self) -> Bools:
        return np.asarray(self.log_e >= -math.log(self.start.policy.alpha) - ROUNDING)

    def begin_step(self, step: int) -> None:
        """Go to a later step: invest cash, drop the next polls."""
        for each in self.metrics:
            each.invest(1 / (len(self.start.weights_percent) - step))
        self.polls_to_drop, self.pending = POLLS_AFTER_MOVE, None

    def take_in(self, poll: Poll) -> None:
        """Take in one poll of each run, all of which must fill their blocks at the same time."""
        if self.polls_to_drop:
            self.polls_to_drop -= 1
            return
        block = self.pending.plus(poll) if self.pending else poll
        is_full = block.requests >= self.start.blocks.least_requests
        if not is_full.any():
            self.pending = block
            return
        assert is_full.all()
        self.pending = None
        goes_on = ~self.is_rejected
        self.shares.take_in(block, goes_on)
        tables = block_tables(self.start, block)
        for each, table in zip(self.metrics, tables, strict=True):
            each.take_in(_only(goes_on, table))
        self.log_e = self._log_e()

    def off_by(self, sample: Sequence[CanaryEvidence]) -> float:
        """Return how far the first runs are from the product's, in log e."""
        exact = np.array([(each.log_e, each.share.log_e) for each in sample])
        ours = np.stack([self.log_e, self.shares.log_e], axis=1)[: len(sample)]
        return float(np.abs(exact - ours).max())


def block_tables(start: CanaryEvidence, block: Poll) -> Iterator[Tables]:
    """Count each metric's requests and hits, as the product's MetricEvidence does."""
    canary, stable = block.canary, block.stable
    is_patience_known = start.late_s is not None
    slow = iter(zip(canary.slow, stable.slow, strict=True))

    def table(requests: Callable[[Arm], Ints], hits: Callable[[Arm], Ints]) -> Tables:
        return Tables(requests(canary), hits(canary), requests(stable), hits(stable))

    for metric in start.metrics:
        match metric.kind:
            case MetricKind.ERRORS if is_patience_known:
                yield table(lambda arm: arm.answered + arm.late, lambda arm: arm.failed + arm.late)
            case MetricKind.ERRORS:
                yield table(lambda arm: arm.ended, lambda arm: arm.failed + arm.late + arm.soon)
            case MetricKind.LATENCY:
                slow_c, slow_s = next(slow)
                yield Tables(canary.ended, slow_c, stable.ended, slow_s)
            case MetricKind.CLIENT_ERRORS:
                yield table(lambda arm: arm.answered, lambda arm: arm.client_errors)
            case MetricKind.REDIRECTS:
                yield table(lambda arm: arm.succeeded + arm.redirects, lambda arm: arm.redirects)
            case MetricKind.EXPECTATIONS:
                yield table(lambda arm: arm.ended, lambda arm: arm.unexpected)
            case MetricKind.BUSINESS:
                raise NotImplementedError(metric.kind)


@dataclass(frozen=True)
class Outcome:
    """found: by detector, the canary requests of each run until it was rejected, or infinity.

    off_by: the largest difference of log e from the product's in the sample, at any poll.
    """

    found: dict[str, Floats]
    off_by: float


OURS = "deploytool"
SHARE = "deploytool: requests are missing"
"""The test of the canary's share, which holds and does not reject."""


def run(
    start: CanaryEvidence,
    traffic: Traffic,
    random: Generator,
    runs: int,
    rivals: Sequence[Rival] = (),
    awaited: str = OURS,
) -> Outcome:
    """Canary every run until it is rejected by all, or the traffic ends.

    awaited: whose rejection counts beside that of the rivals.
    """
    evidences = Evidences(start, runs)
    sample = [start] * min(SAMPLE, runs)
    names = [rival.name for rival in rivals]
    found = {name: np.full(runs, np.inf) for name in (OURS, SHARE, *names)}
    canary_requests = np.zeros(runs, dtype=np.int64)
    off_by, step_before = 0.0, 0
    for step, poll in traffic.polls(random, runs):
        if step != step_before:
            evidences.begin_step(step)
            sample = [evidence.at_step(step) for evidence in sample]
            step_before = step
        canary_requests += poll.canary.ended
        evidences.take_in(poll)
        sample = [each.after(_observed(start, poll, i)) for i, each in enumerate(sample)]
        off_by = max(off_by, evidences.off_by(sample))
        rejecting = {OURS: evidences.is_rejected, SHARE: evidences.shares.is_reached}
        rejecting |= {rival.name: rival.take_in(poll.failures) for rival in rivals}
        for name, is_rejected in rejecting.items():
            is_new = is_rejected & np.isinf(found[name])
            found[name][is_new] = canary_requests[is_new]
        if all(np.isfinite(found[name]).all() for name in (awaited, *names)):
            break
    return Outcome(found, off_by)


def _only(runs: Bools, block: Tables) -> Tables:
    """Take the requests away from the other runs: an empty arm changes nothing."""
    return block._replace(n_c=block.n_c * runs, x_c=block.x_c * runs)


def _observed(start: CanaryEvidence, poll: Poll, run: int) -> Observation:
    """Return one run's poll as the router's reader would."""
    latency = [metric for metric in start.metrics if metric.bound_s is not None]
    canary = _counters(poll.canary, run, start.late_s, [each.bound_s for each in latency])
    stable = _counters(poll.stable, run, start.late_s, [each.stable_bound_s for each in latency])
    return Observation(seconds=1.0, canary=canary, stable=stable, share=poll.share)


def _counters(
    arm: Arm, run: int, late_s: float | None, bounds_s: Sequence[float | None]
) -> ArmCounters:
    ended, late, soon = (int(counts[run]) for counts in (arm.ended, arm.late, arm.soon))
    unexpected = int(arm.unexpected[run])
    # Two of the bounds may be one of the router's.
    slow = {bound: int(over[run]) for bound, over in zip(bounds_s, arm.slow, strict=True) if bound}
    buckets = [(bound, ended - over) for bound, over in slow.items()]
    return ArmCounters(
        requests={
            200: int(arm.succeeded[run]),
            302: int(arm.redirects[run]),
            404: int(arm.client_errors[run]),
            CLIENT_GAVE_UP: late + soon,
            500: int(arm.failed[run]),
        },
        buckets=(*buckets, (math.inf, ended)) if buckets else (),
        gave_up=((late_s, soon), (math.inf, late + soon)) if late_s else (),
        expected=Pair(count=ended - unexpected, per=unexpected),
    )
