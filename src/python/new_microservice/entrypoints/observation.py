"""Around every request: its id, the answering revision, metrics, and a log line if it failed."""

import re
import time
import uuid

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from new_microservice.entrypoints.probes import Readiness

log = structlog.get_logger(__name__)

ACCEPTED_REQUEST_ID = re.compile(r"[!-~]{1,128}")
# Around what a reservation takes (1-20 ms) and what callers wait for at most (2 s).
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SERVER_ERROR = 500


class Metrics:
    """Rate, errors and duration by route template, and what the sweeper did."""

    def __init__(self, *, service: str, revision: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_requests", "Answers", ["method", "route", "status"], registry=self.registry
        )
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Time until the answer was complete",
            ["method", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests being answered", registry=self.registry
        )
        self.expired = Counter(
            "reservations_expired", "Reservations expired by this process", registry=self.registry
        )
        info = Gauge(
            "service_info", "What runs here", ["service", "revision"], registry=self.registry
        )
        info.labels(service, revision).set(1)


class Observed:
    """The outermost ASGI layer; nothing an application does leaves its caller without an answer."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, readiness: Readiness, *, revision: str
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._readiness = readiness
        self._revision = revision

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        # 500 unless something was sent: a request that ends without an answer failed.
        status = SERVER_ERROR

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Service-Version"] = self._revision
                headers["X-Request-Id"] = request_id
                if self._readiness.draining:
                    # So the gateway lets go of its idle connections before they are cut.
                    headers["Connection"] = "close"
            await send(message)

        started = time.perf_counter()
        about = {"request_id": request_id, "method": scope["method"], "path": scope["path"]}
        with self._metrics.in_flight.track_inprogress(), bound_contextvars(**about):
            try:
                await self._app(scope, receive, send_marked)
            except Exception:
                # The framework has answered with a problem and raises for the log's sake.
                log.exception("request failed by a defect")
            elapsed_s = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.requests.labels(scope["method"], route, status).inc()
            self._metrics.duration.labels(scope["method"], route).observe(elapsed_s)
            report = log.warning if status >= SERVER_ERROR else log.debug
            report("answered", route=route, status=status, ms=round(elapsed_s * 1000, 1))


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if ACCEPTED_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
