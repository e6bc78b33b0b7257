"""Work that goes on beside the requests until the service stops."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from legacy_app.domain.errors import Unavailable

log = structlog.get_logger(__name__)


async def repeat_until(
    stopping: asyncio.Event, interval_s: float, name: str, work: Callable[[], Awaitable[object]]
) -> None:
    """Do the work, pause for `interval_s`, and so on until told to stop.

    An event and no cancellation: under Python 3.11 `asyncio.wait_for`, in which the connection pool
    waits, swallows a cancellation that comes together with a connection.
    """
    while not stopping.is_set():
        try:
            await work()
        except Unavailable as error:
            log.warning("put off", work=name, why=str(error))
        except Exception:
            # Work that ends silently would leave orders stuck and goods held for ever.
            log.exception("failed by a defect", work=name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await stopping.wait()
