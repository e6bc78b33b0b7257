"""The evidence beside SciPy's, exact integers, and all that can happen in a few blocks."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom, nchypergeom_fisher

from deploytool.canary.blocks import Blocks
from deploytool.canary.bound import PromotionBound
from deploytool.canary.evidence import RollbackProcess
from deploytool.canary.observation import NOTHING, ArmCounters, Observation, Table

BETS = {2: 0.25, 5: 0.5, 20: 0.25}
"""The odds ratios that are bet on, with their shares of the capital."""


def start(
    bets: dict[int, float] = BETS,
    limit: float = 100,
    cap: float = math.inf,
    reserve: float = 0,
    tolerated: float = 1,
) -> RollbackProcess:
    return RollbackProcess.start(
        multiples=list(bets),
        prior=list(bets.values()),
        limit=limit,
        cap=cap,
        reserve=reserve,
        tolerated=tolerated,
    )


def drawn_tables(polls: int, requests: int = 100, rate: float = 0.03) -> Iterator[Table]:
    """Route requests at random, 10 % of them to the canary."""
    random = Random(5)
    for _ in range(polls):
        n_c = sum(random.random() < 0.1 for _ in range(requests))
        x_c = sum(random.random() < rate for _ in range(n_c))
        x_s = sum(random.random() < rate for _ in range(requests - n_c))
        yield Table(n_c, x_c, requests - n_c, x_s)


@pytest.mark.parametrize("ratio", [2, 5, 20])
def test_one_bet_is_the_likelihood_ratio_of_fishers_noncentral_hypergeometric(ratio: int) -> None:
    process = start({ratio: 1}, limit=math.inf)
    log_ratio = 0.0
    for n_c, x_c, n_s, x_s in drawn_tables(150):
        process = process.after(Table(n_c, x_c, n_s, x_s))
        urn = (n_c + n_s, x_c + x_s, n_c)
        log_ratio += nchypergeom_fisher.logpmf(x_c, *urn, ratio) - hypergeom.logpmf(x_c, *urn)
        assert process.log_e == pytest.approx(log_ratio, abs=1e-9)


Margins = tuple[int, int, int]
"""Requests of the canary and of stable, and the failures of both."""


def paths(
    process: RollbackProcess,
    margins: Callable[[tuple[int, ...]], Margins | None],
    odds: Fraction,
    seen: tuple[int, ...] = (),
) -> Iterator[tuple[Fraction, RollbackProcess]]:
    """Yield every way things can go, with its exact chance and the process at its end.

    margins: of the next block, given the outcomes so far; None ends the path.
    """
    block = margins(seen)
    if block is None:
        yield Fraction(1), process
        return
    n_c, n_s, hits = block
    outcomes = range(max(0, hits - n_s), min(hits, n_c) + 1)
    ways = [math.comb(n_c, x) * math.comb(n_s, hits - x) * odds**x for x in outcomes]
    for x, way in zip(outcomes, ways, strict=True):
        after = process.after(Table(n_c, x, n_s, hits - x)).invested(0.3)
        for chance, end in paths(after, margins, odds, (*seen, x)):
            yield Fraction(way) / sum(ways) * chance, end


def three_blocks(seen: tuple[int, ...]) -> Margins | None:
    return [(3, 9, 2), (2, 6, 3), (5, 5, 4), None][len(seen)]


def as_the_outcomes_say(seen: tuple[int, ...]) -> Margins | None:
    """Look again after trouble only, with a weight and a common failure rate that depend on it."""
    if len(seen) == 4 or (seen and seen[-1] == 0):
        return None
    trouble = sum(seen)
    return 2 + trouble % 3, 6, 2 + trouble % 4


@pytest.mark.parametrize("margins", [three_blocks, as_the_outcomes_say])
@pytest.mark.parametrize("cap", [1.5, 4.65, math.inf])
@pytest.mark.parametrize("reserve", [0.0, 0.2])
@pytest.mark.parametrize("limit", [5.0, 100.0])
def test_a_canary_like_stable_gains_nothing_over_all_that_can_happen(
    margins: Callable[[tuple[int, ...]], Margins | None], cap: float, reserve: float, limit: float
) -> None:
    ends = list(paths(start(limit=limit, cap=cap, reserve=reserve), margins, Fraction(1)))
    assert sum(chance for chance, _ in ends) == 1
    mean = math.fsum(chance * math.exp(end.log_e) for chance, end in ends)
    assert mean == pytest.approx(1, abs=1e-9)
    rejected = sum(chance for chance, end in ends if end.is_rejected)
    assert rejected <= 1 / limit


@pytest.mark.parametrize("odds", [Fraction(1, 3), Fraction(1), Fraction(5, 4)])
def test_a_canary_within_what_is_tolerated_gains_nothing_either(odds: Fraction) -> None:
    process = start(cap=10, reserve=0.2, tolerated=1.25)
    ends = paths(process, three_blocks, odds)
    mean = math.fsum(chance * math.exp(end.log_e) for chance, end in ends)
    assert mean == pytest.approx(1, abs=1e-9) if odds == Fraction(5, 4) else mean < 1


@pytest.mark.parametrize("rate_s", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("worse_by", [0.1, 0.25])
def test_a_canary_worse_by_the_tolerance_is_not_proved_over_all_that_can_happen(
    rate_s: float, worse_by: float
) -> None:
    def chance(n: int, x: int, rate: float) -> float:
        return math.comb(n, x) * rate**x * (1 - rate) ** (n - x)

    sizes = [(2, 4), (3, 3), (1, 4)]
    begun = PromotionBound.start(tolerances=(0.1,), rate=0.05, alpha=0.05)
    mean = 0.0
    for hits in product(*(product(range(n_c + 1), range(n_s + 1)) for n_c, n_s in sizes)):
        bound, likely = begun, 1.0
        for (n_c, n_s), (x_c, x_s) in zip(sizes, hits, strict=True):
            likely *= chance(n_c, x_c, rate_s + worse_by) * chance(n_s, x_s, rate_s)
            if not likely:
                break
            bound = bound.after(Table(n_c, x_c, n_s, x_s))
        mean += likely * math.exp(bound.log_e[0])
    assert mean <= 1 + 1e-9


requests = st.lists(
    st.tuples(st.booleans(), st.sampled_from([200, 404, 500, 503])), min_size=50, max_size=80
)


def counted(some: list[tuple[bool, int]]) -> Observation:
    codes = (200, 404, 500, 503)
    arms = [
        ArmCounters(requests={code: some.count((arm, code)) for code in codes})
        for arm in (True, False)
    ]
    return Observation(seconds=1, canary=arms[0], stable=arms[1])


@settings(max_examples=30)
@given(requests, st.randoms(use_true_random=False), st.integers(1, 49))
def test_neither_the_order_in_a_block_nor_where_its_polls_were_cut_matters(
    served: list[tuple[bool, int]], random: Random, cut: int
) -> None:
    shuffled = random.sample(served, len(served))
    blocks, block = Blocks(least_requests=len(served)).after(counted(shuffled[:cut]))
    assert block is None
    _, block = blocks.after(counted(shuffled[cut:]))
    assert block is not None
    one_by_one = reduce(Observation.plus, (counted([each]) for each in served), NOTHING)
    assert block.errors() == one_by_one.errors()
    assert start().after(block.errors()) == start().after(counted(served).errors())


@cache
def exact_total(n_c: int, n_s: int, hits: int, ratio: int) -> int:
    """Sum up the ways of all outcomes at an odds ratio, in integers."""
    outcomes = range(max(0, hits - n_s), min(hits, n_c) + 1)
    return sum(math.comb(n_c, x) * math.comb(n_s, hits - x) * ratio**x for x in outcomes)


def test_logs_do_not_drift() -> None:
    process = start(limit=math.inf)
    log_terms: dict[int, list[float]] = {ratio: [math.log(share)] for ratio, share in BETS.items()}
    for table in drawn_tables(3000):
        process = process.after(table)
        for ratio, terms in log_terms.items():
            n_c, x_c, n_s, x_s = table
            totals = [exact_total(n_c, n_s, x_c + x_s, odds) for odds in (1, ratio)]
            terms += [x_c * math.log(ratio), math.log(totals[0]), -math.log(totals[1])]
    exact = [math.fsum(terms) for terms in log_terms.values()]
    assert max(exact) < -100  # far below what a float could hold as a product
    assert process.log_capital[1:] == pytest.approx(exact, abs=1e-8)
