"""Orders are placed, checked out and cancelled once, whatever is repeated, late or interrupted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from legacy_app.adapters.catalogue import SqlCatalogue
from legacy_app.adapters.orders import SqlOrders
from legacy_app.adapters.stock_view import StockView
from legacy_app.domain.errors import (
    KeyReused,
    OrderCancelled,
    OrderFinal,
    OrderHalfConfirmed,
    OrderNotReady,
    ReservationLost,
    StockUnavailable,
    UnknownProduct,
)
from legacy_app.domain.orders import CancelReason, Status
from legacy_app.domain.stock import Claim, StockGateway
from legacy_app.service_layer.driver import Driver
from legacy_app.service_layer.shop import Shop

Postgres = Any  # see conftest.py, from which nothing can be imported
OpenStocks = Callable[[str], AbstractAsyncContextManager[Any]]
TWO = {"BOWL-ASH": 2, "CUP-GLAZE": 1}


class Death(BaseException):
    """The process ends here."""


class Wrapped:
    """A stock before whose n-th call, or after it, something happens. Counts from 0."""

    def __init__(self, stock: StockGateway) -> None:
        self.stock = stock
        self.calls = 0
        self.before: dict[int, BaseException] = {}
        self.after: dict[int, BaseException] = {}
        self.always: BaseException | None = None

    async def available(self, skus: Iterable[str]) -> Any:
        return await self._call(self.stock.available(skus))

    async def reserve(self, claim: Claim) -> datetime:
        until: datetime = await self._call(self.stock.reserve(claim))
        return until

    async def confirm(self, claim: Claim) -> None:
        await self._call(self.stock.confirm(claim))

    async def cancel(self, claim: Claim) -> None:
        await self._call(self.stock.cancel(claim))

    async def _call(self, question: Any) -> Any:
        number, self.calls = self.calls, self.calls + 1
        trouble = self.always or self.before.get(number)
        if trouble:
            question.close()
            raise trouble
        answer = await question
        if number in self.after:
            raise self.after[number]
        return answer


class World:
    """A shop on the real database, with a stock that can be interrupted."""

    def __init__(self, database: Postgres, tried: Any) -> None:
        self.database = database
        self.tried = tried
        self.now = datetime.now(UTC)
        self.restart()

    def restart(self) -> None:
        """Begin anew, as another process does."""
        self.stock = Wrapped(self.tried.make())
        self.orders = SqlOrders(self.tried.shop_database)
        self.shop = Shop(
            SqlCatalogue(self.tried.shop_database),
            self.orders,
            self.stock,
            StockView(self.tried.shop_database),
            now=lambda: self.now,
        )

    async def drive(self) -> int:
        """Drive every order that is halfway, as if it were so for long enough."""
        nothing = timedelta(0)
        driver = Driver(
            self.orders,
            self.shop,
            CollectorRegistry(),
            pending_for=nothing,
            unfinished_for=nothing,
        )
        return await driver.drive_stuck()

    def statuses(self) -> list[object]:
        return [row[0] for row in self.database.query("SELECT status FROM shop.orders ORDER BY id")]

    def reservations(self, state: str) -> int:
        query = "SELECT count(*) FROM reservations WHERE state = %s"
        return int(self.database.one(query, state))


@pytest.fixture(params=["sql", "http"])
async def world(
    request: pytest.FixtureRequest, database: Postgres, open_stocks: OpenStocks
) -> AsyncIterator[World]:
    async with open_stocks(request.param) as tried:
        yield World(database, tried)


async def test_an_order_is_reserved_then_bought_and_both_may_be_repeated(world: World) -> None:
    order = await world.shop.place("Ada", TWO, "key")
    assert (order.status, order.total_cents) == (Status.RESERVED, 2 * 8400 + 1800)
    assert await world.shop.place("Ada", TWO, "key") == order
    assert (await world.shop.check_out(order.id)).status is Status.CONFIRMED
    assert (await world.shop.check_out(order.id)).status is Status.CONFIRMED
    assert (await world.shop.place("Ada", TWO, "key")).status is Status.CONFIRMED
    assert world.reservations("confirmed") == 2
    with pytest.raises(OrderFinal):
        await world.shop.cancel(order.id)


async def test_a_key_stands_for_one_order(world: World) -> None:
    await world.shop.place("Ada", TWO, "key")
    with pytest.raises(KeyReused):
        await world.shop.place("Ada", {"BOWL-ASH": 3}, "key")
    with pytest.raises(UnknownProduct):
        await world.shop.place("Ada", {"NO-SUCH": 1}, None)
    assert world.statuses() == ["reserved"]


async def test_all_of_it_or_nothing(world: World) -> None:
    # CLOCK-TIDE comes after BOWL-ASH, which is then given back.
    with pytest.raises(OrderCancelled) as refused:
        await world.shop.place("Ada", {"BOWL-ASH": 1, "CLOCK-TIDE": 41}, "key")
    assert refused.value.order.cancel_reason is CancelReason.OUT_OF_STOCK
    assert world.statuses() == ["cancelled"]
    assert world.reservations("pending") == 0
    with pytest.raises(OrderCancelled):
        await world.shop.place("Ada", {"BOWL-ASH": 1, "CLOCK-TIDE": 41}, "key")


async def test_a_cancelled_order_gives_back_what_it_holds(world: World) -> None:
    order = await world.shop.place("Ada", TWO, None)
    assert (await world.shop.cancel(order.id)).status is Status.CANCELLED
    assert (await world.shop.cancel(order.id)).status is Status.CANCELLED
    assert world.reservations("cancelled") == 2
    with pytest.raises(OrderCancelled):
        await world.shop.check_out(order.id)


async def test_checkout_comes_too_late_when_a_reservation_is_about_to_lapse(world: World) -> None:
    order = await world.shop.place("Ada", TWO, None)
    assert order.reserved_until
    world.now = order.reserved_until - timedelta(seconds=4)
    with pytest.raises(OrderCancelled, match="not checked out while it was held"):
        await world.shop.check_out(order.id)
    assert world.statuses() == ["cancelled"]


async def test_an_order_whose_reservations_have_lapsed_is_cancelled_at_checkout(
    world: World,
) -> None:
    order = await world.shop.place("Ada", TWO, None)
    world.database.query("UPDATE reservations SET expires_at = now()")
    await world.tried.expire()
    with pytest.raises(OrderCancelled) as refused:
        await world.shop.check_out(order.id)
    assert refused.value.order.cancel_reason is CancelReason.EXPIRED
    assert world.statuses() == ["cancelled"]


async def test_a_loss_after_a_first_confirmation_is_reported_and_nothing_is_undone(
    world: World,
) -> None:
    order = await world.shop.place("Ada", TWO, None)
    world.stock.before[3] = ReservationLost("second line")
    with pytest.raises(OrderHalfConfirmed):
        await world.shop.check_out(order.id)
    assert world.statuses() == ["confirming"]


async def test_only_what_is_reserved_can_be_bought(world: World) -> None:
    world.stock.before[0] = StockUnavailable("away")
    with pytest.raises(StockUnavailable):
        await world.shop.place("Ada", TWO, "key")
    with pytest.raises(OrderNotReady):
        await world.shop.check_out(1)
    # The customer tries again and the order goes on.
    assert (await world.shop.place("Ada", TWO, "key")).id == 1
    assert world.statuses() == ["reserved"]


async def test_while_the_stock_is_away_checkout_and_cancel_are_kept_for_later(
    world: World,
) -> None:
    bought, dropped = [await world.shop.place("Ada", TWO, None) for _ in range(2)]
    world.stock.always = StockUnavailable("away")
    with pytest.raises(StockUnavailable):
        await world.shop.check_out(bought.id)
    with pytest.raises(StockUnavailable):
        await world.shop.cancel(dropped.id)
    assert await world.drive() == 2
    assert world.statuses() == ["confirming", "cancelling"]
    assert len(await world.shop.offers()) == 12, "the catalogue goes on"
    world.stock.always = None
    assert await world.drive() == 2
    assert world.statuses() == ["confirmed", "cancelled"]


STEPS = pytest.mark.parametrize("number", range(2))
MOMENTS = pytest.mark.parametrize("moment", ["before", "after"])


@STEPS
@MOMENTS
async def test_an_order_survives_a_crash_at_any_step_of_checkout(
    world: World, number: int, moment: str
) -> None:
    order = await world.shop.place("Ada", TWO, None)
    getattr(world.stock, moment)[2 + number] = Death()
    with pytest.raises(Death):
        await world.shop.check_out(order.id)
    world.restart()
    assert await world.drive() == 1
    assert world.statuses() == ["confirmed"]
    assert world.reservations("confirmed") == 2
    assert await world.drive() == 0


@STEPS
@MOMENTS
async def test_a_crash_while_placing_leaves_no_order_and_no_stock_held(
    world: World, number: int, moment: str
) -> None:
    getattr(world.stock, moment)[number] = Death()
    with pytest.raises(Death):
        await world.shop.place("Ada", TWO, None)
    world.restart()
    assert await world.drive() == 1
    assert world.statuses() == ["cancelled"]
    assert world.reservations("pending") == 0


@STEPS
@MOMENTS
async def test_a_cancellation_survives_a_crash_at_any_step(
    world: World, number: int, moment: str
) -> None:
    order = await world.shop.place("Ada", TWO, None)
    getattr(world.stock, moment)[2 + number] = Death()
    with pytest.raises(Death):
        await world.shop.cancel(order.id)
    world.restart()
    assert await world.drive() == 1
    assert world.statuses() == ["cancelled"]
    assert world.reservations("cancelled") == 2


async def test_two_instances_share_the_stuck_orders_and_leave_the_fresh_ones(world: World) -> None:
    for _ in range(6):
        order = await world.shop.place("Ada", TWO, None)
        world.database.query("UPDATE shop.orders SET status = 'confirming' WHERE id = %s", order.id)
    long, none = timedelta(hours=1), timedelta(0)
    take = world.orders.take_stuck
    assert await take(pending_for=long, unfinished_for=long, limit=20) == []
    world.database.query("BEGIN")
    world.database.query("SELECT id FROM shop.orders WHERE id <= 3 FOR UPDATE")
    rest = await take(pending_for=long, unfinished_for=none, limit=20)
    assert {order.id for order in rest} == {4, 5, 6}, "another has the others in its hands"
    world.database.query("ROLLBACK")
    await take(pending_for=long, unfinished_for=none, limit=20)
    second = timedelta(seconds=30)
    assert await take(pending_for=long, unfinished_for=second, limit=20) == [], "a lease"
    await world.drive()


async def test_checkout_and_cancel_at_once_end_in_one_of_the_two(world: World) -> None:
    for _ in range(10):
        order = await world.shop.place("Ada", TWO, None)
        await asyncio.gather(
            world.shop.check_out(order.id),
            world.shop.cancel(order.id),
            world.shop.check_out(order.id),
            return_exceptions=True,
        )
    await world.drive()
    assert set(world.statuses()) <= {"confirmed", "cancelled"}


async def test_many_buyers_of_a_scarce_thing_get_what_there_is(world: World) -> None:
    async def buy(number: int) -> Status:
        try:
            order = await world.shop.place(f"Buyer {number}", {"LAMP-BRASS": 3}, None)
            return (await world.shop.check_out(order.id)).status
        except OrderCancelled as refusal:
            return refusal.order.status

    ends = await asyncio.gather(*(buy(number) for number in range(25)))
    assert ends.count(Status.CONFIRMED) == 13
    assert ends.count(Status.CANCELLED) == 12
