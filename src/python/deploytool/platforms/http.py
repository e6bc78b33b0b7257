"""The tool's own requests to instances and to the gateway."""

import functools
import time

import httpx2

from deploytool.errors import PlatformFailed
from deploytool.platforms.base import Answer

_TIMEOUT_S = 1.0
_REQUEST_S = 5.0
_LONGEST_REASON = 300
_OK = 200


def get(url: str, timeout_s: float = _REQUEST_S) -> Answer:
    """GET a URL on this machine. Raises PlatformFailed when there is no answer."""
    started = time.monotonic()
    try:
        response = _client().get(url, timeout=timeout_s)
    except httpx2.HTTPError as error:
        raise PlatformFailed(
            f"no answer from {url}",
            why=f"{type(error).__name__}: {error}",
            hint="see `deploytool status`",
        ) from error
    return Answer(response.status_code, response.content, time.monotonic() - started)


def complaint_of(url: str) -> str:
    """Return "" when the URL answers 200, else what it does."""
    try:
        answer = get(url, _TIMEOUT_S)
    except PlatformFailed as error:
        return f"{error.what}: {error.why}"
    if answer.status == _OK:
        return ""
    body = answer.body[:_LONGEST_REASON].decode(errors="replace").strip()
    return f"{url} answers HTTP {answer.status}: {body}"


@functools.cache
def _client() -> httpx2.Client:
    # Making one takes 40 ms, ten times as long as the requests it serves. No connection is kept:
    # a server that is restarted would fail the next request on it.
    return httpx2.Client(
        trust_env=False, verify=False, limits=httpx2.Limits(max_keepalive_connections=0)
    )
