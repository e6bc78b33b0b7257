"""uvicorn, with a stop that callers notice before it happens."""

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from legacy_app.entrypoints.probes import Readiness

# Time for whoever polls /readyz to send requests elsewhere.
ANNOUNCE_S = 2.0
# For requests under way: more than any takes that is not in trouble.
FINISH_S = 10
# Longer than a gateway keeps its idle connections (Traefik 90 s), else its next request can meet
# a connection that is being closed here.
KEEP_ALIVE_S = 120


class Server(uvicorn.Server):
    """On SIGTERM, unready at once; ANNOUNCE_S later no new connections, then the end."""

    def __init__(self, app: ASGIApp, readiness: Readiness, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=FINISH_S,
            )
        )
        self._readiness = readiness
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(
        self,
        sig: int,
        frame: FrameType | None,  # noqa: ARG002  (the signature of a signal handler)
    ) -> None:
        """Begin to stop; SIGINT, or a second signal, skips the announcement, a third all waiting.

        Not the base class's: it raises the signal again at the end, so that a stop in good order
        looks like a death.
        """
        if sig == signal.SIGTERM and self._loop is not None and not self._readiness.is_draining:
            self._readiness.is_draining = True
            # A signal handler may only hand things to the loop, which might be asleep.
            self._loop.call_soon_threadsafe(self._loop.call_later, ANNOUNCE_S, self._stop)
            return
        self.force_exit = self.should_exit
        self.should_exit = True

    def _stop(self) -> None:
        self.should_exit = True
