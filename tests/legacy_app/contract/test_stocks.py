"""One contract, two stocks: the monolith's tables and the inventory service behave the same."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from legacy_app.domain.errors import (
    OutOfStock,
    ReservationFinal,
    ReservationLost,
    StockError,
    StockRefused,
)
from legacy_app.domain.stock import Claim

ON_HAND = 40
SCARCE = ["CLOCK-TIDE", "LAMP-BRASS"]
BACKENDS = pytest.mark.parametrize("backend", ["sql", "http"])
Run = Callable[[Coroutine[Any, Any, Any]], Any]
# Postgres, and what opens Stocks: see conftest.py, from which nothing can be imported.
Postgres = Any
OpenStocks = Callable[[str], AbstractAsyncContextManager[Any]]


def machine(postgres: Postgres, tried: Any, run: Run) -> type[RuleBasedStateMachine]:
    """Make the state machine for one backend: a model of counters beside the real thing."""

    class Reservations(RuleBasedStateMachine):
        claims = Bundle("claims")
        untried = Bundle("untried")

        def __init__(self) -> None:
            super().__init__()
            postgres.reset()
            self.stock = tried.make()
            self.free = dict.fromkeys(SCARCE, ON_HAND)
            self.state: dict[Claim, str] = {}

        @rule(target=untried, sku=st.sampled_from(SCARCE), qty=st.integers(1, 25))
        def think_of(self, sku: str, qty: int) -> Claim:
            number = int(str(postgres.one("SELECT nextval('shop.orders_id_seq')")))
            return Claim(f"{number}/{sku}", sku, qty)

        @rule(target=claims, claim=consumes(untried))
        def reserve(self, claim: Claim) -> Any:
            if claim.qty > self.free[claim.sku]:
                self.refused(OutOfStock, self.stock.reserve(claim))
                return multiple()
            run(self.stock.reserve(claim))
            self.free[claim.sku] -= claim.qty
            self.state[claim] = "pending"
            return claim

        @rule(claim=claims)
        def reserve_again(self, claim: Claim) -> None:
            run(self.stock.reserve(claim))

        @rule(claim=claims)
        def confirm(self, claim: Claim) -> None:
            if self.state[claim] in ("cancelled", "expired"):
                self.refused(ReservationLost, self.stock.confirm(claim))
                return
            run(self.stock.confirm(claim))
            self.state[claim] = "confirmed"

        @rule(claim=claims)
        def cancel(self, claim: Claim) -> None:
            if self.state[claim] == "confirmed":
                self.refused(ReservationFinal, self.stock.cancel(claim))
                return
            run(self.stock.cancel(claim))
            self.give_back(claim, "cancelled")

        @rule(target=claims, claim=consumes(untried))
        def cancel_before_it_is_reserved(self, claim: Claim) -> Any:
            run(self.stock.cancel(claim))
            if claim.qty > self.free[claim.sku]:
                return multiple()
            self.state[claim] = "cancelled"
            return claim

        @rule(claim=claims)
        def expire(self, claim: Claim) -> None:
            postgres.query(
                "UPDATE reservations SET expires_at = now() - interval '1 s' WHERE order_ref = %s",
                claim.order_ref,
            )
            run(tried.expire())
            self.give_back(claim, "expired")

        @rule()
        def restart_the_shop(self) -> None:
            self.stock = tried.make()

        def give_back(self, claim: Claim, state: str) -> None:
            if self.state[claim] == "pending":
                self.free[claim.sku] += claim.qty
                self.state[claim] = state

        def refused(self, kind: type[StockError], question: Coroutine[Any, Any, Any]) -> None:
            with pytest.raises(kind):
                run(question)

        @invariant()
        def what_is_available_is_what_the_model_says(self) -> None:
            assert run(self.stock.available(SCARCE)) == self.free

        def teardown(self) -> None:
            for claim, state in self.state.items():
                query = "SELECT state FROM reservations WHERE order_ref = %s"
                assert postgres.one(query, claim.order_ref) == state

    return Reservations


@BACKENDS
def test_reserving_confirming_cancelling_and_expiring_in_any_order(
    postgres: Postgres, open_stocks: OpenStocks, backend: str
) -> None:
    with asyncio.Runner() as runner:
        opened = open_stocks(backend)
        tried = runner.run(opened.__aenter__())
        try:
            run_state_machine_as_test(
                machine(postgres, tried, runner.run),
                settings=settings(
                    max_examples=15,
                    stateful_step_count=20,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(opened.__aexit__(None, None, None))
    postgres.reset()


@BACKENDS
async def test_many_at_once_never_get_more_than_there_is(
    database: Postgres, open_stocks: OpenStocks, backend: str
) -> None:
    async with open_stocks(backend) as tried:
        stock = tried.make()
        claims = [Claim(f"{n}/CLOCK-TIDE", "CLOCK-TIDE", 3) for n in range(60)]
        answers = await asyncio.gather(
            *(stock.reserve(claim) for claim in claims), return_exceptions=True
        )
        lucky = [
            claim
            for claim, answer in zip(claims, answers, strict=True)
            if not isinstance(answer, BaseException)
        ]
        assert len(lucky) == 13
        assert {type(a) for a in answers if isinstance(a, BaseException)} == {OutOfStock}
        # The same claim from many sides, and both ways at once: one of the two wins, once.
        await asyncio.gather(
            *(act(claim) for claim in lucky for act in (stock.confirm, stock.cancel) * 3),
            return_exceptions=True,
        )
        confirmed = database.one("SELECT count(*) FROM reservations WHERE state = 'confirmed'")
        assert await stock.available(["CLOCK-TIDE"]) == {"CLOCK-TIDE": 40 - 3 * int(str(confirmed))}
        database.query("DELETE FROM reservations WHERE state = 'confirmed'")


@BACKENDS
async def test_a_claim_keeps_its_content(
    database: Postgres, open_stocks: OpenStocks, backend: str
) -> None:
    async with open_stocks(backend) as tried:
        stock = tried.make()
        await stock.reserve(Claim("1/BOWL-ASH", "BOWL-ASH", 1))
        with pytest.raises(StockRefused):
            await stock.reserve(Claim("1/BOWL-ASH", "BOWL-ASH", 2))


@BACKENDS
async def test_what_the_stock_does_not_know_cannot_be_had(
    database: Postgres, open_stocks: OpenStocks, backend: str
) -> None:
    async with open_stocks(backend) as tried:
        stock = tried.make()
        assert await stock.available(["NO-SUCH"]) == {}
        with pytest.raises(OutOfStock):
            await stock.reserve(Claim("1/NO-SUCH", "NO-SUCH", 1))
        await stock.cancel(Claim("1/NO-SUCH", "NO-SUCH", 1))
