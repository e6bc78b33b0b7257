"""Visitors: a steady stream of requests in the background, and what came of them."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import httpx2


class Visitors:
    """Sends requests at a set rate until left; `answers` counts status codes and errors.

    They share their cookies, as the requests of one browser do.
    """

    def __init__(
        self, url: str, rate: float = 50, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.answers: Counter[str] = Counter()
        self._url = url
        self._pause_s = 1 / rate
        self._is_over = threading.Event()
        self._http = httpx2.Client(timeout=10, trust_env=False, headers=headers)
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> "Visitors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _send(self) -> None:
        due = time.monotonic()
        with ThreadPoolExecutor(16) as workers:
            while not self._is_over.is_set():
                workers.submit(self._visit)
                due += self._pause_s
                time.sleep(max(0.0, due - time.monotonic()))

    def _visit(self) -> None:
        try:
            result = str(self._http.get(self._url).status_code)
        except httpx2.HTTPError as error:
            result = repr(error)
        self.answers[result] += 1
