"""Whole canaries, many at once: the product's CanaryEvidence in arrays, and a sample beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import logsumexp

from benchmarks.canary_verdict.rivals import Rival
from benchmarks.canary_verdict.rollback import Bools, Floats, Rollbacks, Tables
from benchmarks.canary_verdict.traffic import Poll, Traffic
from deploytool.canary.evidence import ROUNDING
from deploytool.canary.observation import ArmCounters, Observation
from deploytool.canary.verdict import POLLS_AFTER_MOVE, CanaryEvidence

SAMPLE = 10
"""Runs of each scenario that go through the product itself as well."""


class Evidences:
    """As many canaries as there are runs, all begun like `start`."""

    def __init__(self, start: CanaryEvidence, runs: int) -> None:
        self.start = start
        self.metrics = [Rollbacks(metric.process, runs) for metric in start.metrics]
        self.polls_to_drop = 0
        self.pending: Poll | None = None

    @property
    def log_e(self) -> Floats:
        """The metrics' e-values averaged by their weights, in logs."""
        log_alpha = math.log(self.start.policy.alpha)
        weighted = [each.log_e - math.log(each.start.limit) - log_alpha for each in self.metrics]
        return np.asarray(logsumexp(weighted, axis=0))

    @property
    def is_rejected(self) -> Bools:
        return np.asarray(self.log_e >= -math.log(self.start.policy.alpha) - ROUNDING)

    def begin_step(self, step: int) -> None:
        """Go to a later step: invest cash, drop the next polls."""
        for each in self.metrics:
            each.invest(1 / (len(self.start.weights_percent) - step))
        self.polls_to_drop, self.pending = POLLS_AFTER_MOVE, None

    def take_in(self, poll: Poll) -> None:
        """Take in one poll of each run; polls of one size fill their blocks at the same time."""
        if self.polls_to_drop:
            self.polls_to_drop -= 1
            return
        block = self.pending.plus(poll) if self.pending else poll
        n_c, _, n_s, _ = block.errors
        if n_c[0] + n_s[0] < self.start.blocks.least_requests:
            self.pending = block
            return
        self.pending = None
        goes_on = ~self.is_rejected
        for each, hits in zip(self.metrics, (block.errors, *block.slow), strict=True):
            each.take_in(_only(goes_on, hits))


@dataclass(frozen=True)
class Outcome:
    """found: by detector, the canary requests of each run until it was rejected, or infinity.

    off_by: the largest difference of log e from the product's in the sample, at any poll.
    """

    found: dict[str, Floats]
    off_by: float


OURS = "deploytool"


def run(
    start: CanaryEvidence,
    traffic: Traffic,
    random: Generator,
    runs: int,
    rivals: Sequence[Rival] = (),
) -> Outcome:
    """Canary every run until everyone has rejected it or the traffic ends."""
    evidences = Evidences(start, runs)
    sample = [start] * min(SAMPLE, runs)
    found = {name: np.full(runs, np.inf) for name in (OURS, *(rival.name for rival in rivals))}
    canary_requests = np.zeros(runs, dtype=np.int64)
    off_by, step_before = 0.0, 0
    for step, poll in traffic.polls(random, runs):
        if step != step_before:
            evidences.begin_step(step)
            sample = [evidence.at_step(step) for evidence in sample]
            step_before = step
        canary_requests += poll.errors.n_c
        evidences.take_in(poll)
        sample = [each.after(_observed(start, poll, i)) for i, each in enumerate(sample)]
        exact = np.array([each.log_e for each in sample])
        off_by = max(off_by, float(np.abs(exact - evidences.log_e[: len(sample)]).max()))
        rejecting = {OURS: evidences.is_rejected}
        rejecting |= {rival.name: rival.take_in(poll.errors) for rival in rivals}
        for name, is_rejected in rejecting.items():
            is_new = is_rejected & np.isinf(found[name])
            found[name][is_new] = canary_requests[is_new]
        if all(np.isfinite(each).all() for each in found.values()):
            break
    return Outcome(found, off_by)


def _only(runs: Bools, block: Tables) -> Tables:
    """Take the requests away from the other runs: an empty arm changes nothing."""
    return block._replace(n_c=block.n_c * runs, x_c=block.x_c * runs)


def _observed(start: CanaryEvidence, poll: Poll, run: int) -> Observation:
    """Return one run's poll as the router's reader would."""
    n_c, x_c, n_s, x_s = poll.errors.one(run)
    over = [slow.one(run) for slow in poll.slow]
    bounds_s = [metric.bound_s for metric in start.metrics if metric.bound_s]
    buckets_c = [(bound, n_c - slow.x_c) for bound, slow in zip(bounds_s, over, strict=True)]
    buckets_s = [(bound, n_s - slow.x_s) for bound, slow in zip(bounds_s, over, strict=True)]
    return Observation(
        seconds=1.0,
        canary=_counters(n_c, x_c, buckets_c),
        stable=_counters(n_s, x_s, buckets_s),
    )


def _counters(requests: int, failed: int, buckets: list[tuple[float, int]]) -> ArmCounters:
    return ArmCounters(
        requests={200: requests - failed, 500: failed},
        buckets=(*buckets, (math.inf, requests)) if buckets else (),
    )
