"""Walks the declared journeys through the gateway at a set rate, beside whatever else runs.

Open loop: journeys begin at random moments that do not depend on the answers, so a slow system
does not slow its own measurement down. Their order is random, too: the router deals requests out
in a fixed order, and kinds that came in a fixed order would each meet the same backend.
"""

import asyncio
import random
import threading
import time
from contextlib import suppress

from deploytool.system.load import Load
from deploytool.traffic.load.client import Client
from deploytool.traffic.load.counts import LoadCounts
from deploytool.traffic.load.journey import drawn
from deploytool.traffic.load.recheck import Rechecked, recheck
from deploytool.traffic.load.tally import Tally
from deploytool.traffic.load.walker import Promises, Walker

# Journeys under way at a time; those beyond are counted as not sent. At 80 requests a second, a
# system that needs three seconds an answer just reaches it.
_MOST_UNDER_WAY = 256
_RECHECKED = 1000
RECHECK_S = 30.0


class LoadGenerator:
    """A load in a thread of this process: it ends with it, however that ends.

    base_url: of the gateway, without a trailing slash. rate: requests per second, None for the
    declared one. seed: fixes moments, journeys and choices.
    """

    def __init__(self, base_url: str, load: Load, rate: float | None, seed: int) -> None:
        self._base_url = base_url
        self._load = load
        self._journey_rate = (rate or load.rate) / _mean_length(load)
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._tally = Tally()
        self._promises = Promises()
        self._stopped = asyncio.Event()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._began = 0.0
        self._ended: float | None = None
        self._fault: BaseException | None = None
        self._finish_s = 0.0

    def start(self) -> None:
        """Begin; returns when the first request may be sent at any moment."""
        self._began = time.monotonic()
        self._thread.start()
        self._ready.wait()

    def snapshot(self) -> LoadCounts:
        """Return the counts up to now. Raises what ended the load, if a fault of its own did."""
        if self._fault:
            raise self._fault
        return self._tally.counts((self._ended or time.monotonic()) - self._began)

    def stop(self, deadline_s: float) -> LoadCounts:
        """Begin no more journeys, let those under way end within the deadline; may be repeated.

        Later ones are cut off: what became of their last request is unknown, so it is not counted.
        """
        if self._loop and self._thread.is_alive():
            self._finish_s = deadline_s
            with suppress(RuntimeError):  # it ended by itself in this very moment
                self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()
        return self.snapshot()

    def recheck(self, newest: int = _RECHECKED, deadline_s: float = RECHECK_S) -> Rechecked:
        """Ask, after `stop`, for what the newest answers promised."""
        return recheck(self._base_url, self._promises.newest(newest), deadline_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._send_until_stopped())
        except BaseException as fault:  # raised again where somebody hears it
            self._fault = fault
        finally:
            self._ended = time.monotonic()
            self._ready.set()

    async def _send_until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with (
            Client(self._base_url, _MOST_UNDER_WAY, self._load.revision_header) as client,
            asyncio.TaskGroup() as group,
        ):
            self._ready.set()
            walker = Walker(client, self._tally, self._promises)
            under_way = await self._begin_journeys(walker, group)
            if under_way:
                await asyncio.wait(under_way, timeout=self._finish_s)
            for journey in under_way:
                journey.cancel()

    async def _begin_journeys(
        self, walker: Walker, group: asyncio.TaskGroup
    ) -> set[asyncio.Task[None]]:
        """Begin journeys at random moments until stopped; return those still under way."""
        under_way: set[asyncio.Task[None]] = set()
        journeys = self._load.journeys
        shares = [journey.share for journey in journeys]
        begin = time.monotonic()
        while True:
            begin += self._random.expovariate(self._journey_rate)
            if await self._is_stopped_before(begin):
                return under_way
            if len(under_way) >= _MOST_UNDER_WAY:
                self._tally.miss_journey()
                continue
            [journey] = self._random.choices(journeys, shares)
            variables = drawn(self._load, self._random)
            task = group.create_task(walker.walk(journey, variables, begin))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    async def _is_stopped_before(self, moment: float) -> bool:
        """Wait for the moment (on the monotonic clock); return whether `stop` came first."""
        try:
            async with asyncio.timeout(max(0.0, moment - time.monotonic())):
                await self._stopped.wait()
        except TimeoutError:
            return False
        return True


def _mean_length(load: Load) -> float:
    """Return the mean number of requests of a journey that is walked to its end."""
    shares = sum(journey.share for journey in load.journeys)
    return sum(journey.share * len(journey.steps) for journey in load.journeys) / shares
