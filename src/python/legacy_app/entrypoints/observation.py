"""Around each request: its id and prefix, the answering revision, metrics, a line if it failed."""

import re
import time
from http import HTTPStatus
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from legacy_app.entrypoints.probes import Readiness

log = structlog.get_logger(__name__)

# What is not of this form is replaced: it would end up in logs, and in the links of pages.
REQUEST_ID = re.compile(r"[!-~]{1,128}")
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
# Seconds; a page takes a few milliseconds, an order in trouble up to its deadlines.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Requests by route template: how many, how they ended, how long they took."""

    def __init__(self, registry: CollectorRegistry, *, service: str, revision: str) -> None:
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Time to the end of the answer.",
            ["method", "route"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests being answered.", registry=registry
        )
        info = Gauge("service_info", "What runs here.", ["service", "revision"], registry=registry)
        info.labels(service, revision).set(1)


class Observed:
    """The outermost layer of the application."""

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
        asked = Headers(scope=scope)
        request_id = _accepted(REQUEST_ID, asked.get("x-request-id")) or uuid4().hex
        # The gateway strips this prefix; links have to carry it.
        scope["root_path"] = _accepted(PREFIX, asked.get("x-forwarded-prefix"))
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)  # until something is sent

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Service-Version"] = self._revision
                headers["X-Request-Id"] = request_id
                if self._readiness.is_draining:
                    # Callers let go of their idle connections before these are cut.
                    headers["Connection"] = "close"
            await send(message)

        began_s = time.perf_counter()
        with self._metrics.in_flight.track_inprogress(), bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_marked)
            except Exception:
                # It has been answered already; the framework raises it for whoever logs.
                log.exception("request failed by a defect", path=scope["path"])
            self._count(scope, status, time.perf_counter() - began_s)

    def _count(self, scope: Scope, status: int, took_s: float) -> None:
        method, route = scope["method"], getattr(scope.get("route"), "path", "unmatched")
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.duration.labels(method, route).observe(took_s)
        say = log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else log.debug
        say("answered", method=method, route=route, status=status, ms=round(took_s * 1000, 1))


def _accepted(form: re.Pattern[str], text: str | None) -> str:
    return text if text and form.fullmatch(text) else ""
