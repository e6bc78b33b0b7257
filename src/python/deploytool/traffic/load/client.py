"""Sends one request of a journey. The only part of the load that knows the HTTP client."""

import asyncio
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from deploytool.traffic.load.journey import Request

# From the first byte sent to the last received; no visitor waits longer. Sooner than the router
# gives up on what hangs: that is seen sooner, and fewer journeys wait at a time.
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. revision: "" when the answer does not name one."""

    status: int
    body: bytes
    revision: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why nothing came back. kind: timeout, refused or reset."""

    kind: str
    detail: str


class Client:
    """Connections to one gateway, kept alive, at most `most` at a time; use with `async with`."""

    def __init__(self, base_url: str, most: int, revision_header: str | None) -> None:
        self._revision_header = revision_header
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            headers={"User-Agent": "deploytool-load"},
            # Each journey is a visitor of its own: cookies would join them.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
            # `ask` bounds the whole request; these would bound each of its parts.
            timeout=None,
            # A proxy of the environment is not meant for a gateway on this machine.
            trust_env=False,
        )

    async def __aenter__(self) -> "Client":
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, request: Request) -> Answer | NoAnswer:
        """Send the request, once, and wait for its whole answer."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._http.request(
                    request.method, request.path, headers=request.headers, content=request.content
                )
        except TimeoutError:
            return NoAnswer("timeout", f"no answer within {TIMEOUT_S:g} s")
        except httpx2.ConnectError as error:
            return NoAnswer("refused", str(error))
        except httpx2.RequestError as error:
            return NoAnswer("reset", f"{type(error).__name__}: {error}")
        revision = response.headers.get(self._revision_header, "") if self._revision_header else ""
        return Answer(response.status_code, response.content, revision)
