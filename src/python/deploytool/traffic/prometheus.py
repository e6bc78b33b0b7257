"""Prometheus' HTTP API: the raw samples that it keeps, at the times that it gave them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from deploytool.errors import PlatformFailed

_TIMEOUT_S = 5.0
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Series:
    """One series. samples: (unix seconds of Prometheus' clock, value as it wrote it), ascending."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, str]]


class PrometheusApi:
    """A client of one Prometheus. Every method raises PlatformFailed, with its own words.

    url: its base, without credentials.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client: httpx2.Client | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def now(self) -> float:
        """Return the time of its clock, in unix seconds."""
        _, value = self._asked("time()")
        return float(value)

    def samples(self, selector: str, at: float, window_s: float) -> list[Series]:
        """Return the raw samples of the last `window_s` seconds before `at`.

        selector: of an instant vector. A query of a range gives samples with the times at which
        they were taken; any other gives them the time of the query, and hides how old they are.
        """
        found = self._asked(f"{selector}[{round(window_s * 1000)}ms]", at)
        return [
            Series(each["metric"], [(float(t), str(v)) for t, v in each["values"]])
            for each in found
        ]

    def _asked(self, query: str, at: float | None = None) -> Any:
        fields = {"query": query, "timeout": f"{_TIMEOUT_S:.0f}s"}
        if at is not None:
            fields["time"] = f"{at:.3f}"
        try:
            # Posted: the names of many pods are too long for an address.
            response = self._http().post(f"{self.url}/api/v1/query", data=fields)
        except httpx2.HTTPError as error:
            raise PlatformFailed(
                f"Prometheus does not answer at {self.url}",
                why=f"{type(error).__name__}: {error}",
                hint="see that it runs and can be reached from here, or correct `prometheus.url` "
                "in targets.yaml",
            ) from error
        return self._result(response, query)

    def _result(self, response: httpx2.Response, query: str) -> Any:
        answer = _object(response)
        if answer.get("status") == "error":
            raise PlatformFailed(
                f"Prometheus at {self.url} refuses a query",
                why=f"{answer.get('errorType')}: {answer.get('error')}; asked was {query}",
                hint="correct `prometheus` in targets.yaml if it is to blame",
            )
        data = answer.get("data")
        if answer.get("status") != "success" or not isinstance(data, dict) or "result" not in data:
            said = response.text.strip()[:_LONGEST_REASON] or "an empty body"
            raise PlatformFailed(
                f"what answers at {self.url} is no Prometheus",
                why=f"HTTP {response.status_code}: {said}",
                hint="correct `prometheus.url` in targets.yaml; it has to answer without a login",
            )
        # One that gathers from others answers with what it has when one of these is away: the
        # missing series would look like counters that were never raised.
        if warnings := answer.get("warnings"):
            raise PlatformFailed(
                f"Prometheus at {self.url} does not know all that it was asked",
                why="; ".join(map(str, warnings)),
                hint="see that all those that it asks itself do answer",
            )
        return data["result"]

    def _http(self) -> httpx2.Client:
        if self._client is None:
            # No connection is kept: one that is restarted would fail the next request on it.
            limits = httpx2.Limits(max_keepalive_connections=0)
            self._client = httpx2.Client(timeout=_TIMEOUT_S, trust_env=False, limits=limits)
        return self._client


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
