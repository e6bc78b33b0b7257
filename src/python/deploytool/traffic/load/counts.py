"""What became of the requests of a load, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pydantic import JsonValue

# The kinds of failures of requests that got no answer.
_UNANSWERED = frozenset({"timeout", "refused", "reset"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that did not get a right answer.

    at: unix seconds of its end. step: JOURNEY: METHOD PATH as declared. kind: the status code,
    timeout, refused, reset, unexpected body or malformed. revision: what the answer says it comes
    from, "" when nothing does. detail: the beginning of the answer, or the error's own words.
    """

    at: float
    step: str
    kind: str
    revision: str
    detail: str


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """A load up to now.

    failures_by_revision: by kind, for each revision that answered so, "" for no answer of any.
    requests: those that ended, right or wrong. journeys: those that began; of these, cut_off had
    to be ended before their time. not_sent: journeys that should have begun when too many were
    under way already; the rate was not kept then. Latencies: seconds from the moment at which a
    request should have been sent to its answer or time-out, None before the first.
    """

    requests: int = 0
    failures: int = 0
    journeys: int = 0
    under_way: int = 0
    not_sent: int = 0
    cut_off: int = 0
    elapsed_s: float = 0.0
    failures_by_kind: Mapping[str, int] = field(default_factory=dict)
    failures_by_step: Mapping[str, int] = field(default_factory=dict)
    failures_by_revision: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    answers_by_revision: Mapping[str, int] = field(default_factory=dict)
    recent_failures: tuple[Failure, ...] = ()
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None

    def wrong_answers(self, revision: str) -> int:
        """Count the answers of a revision that were not as expected."""
        return sum(self.failures_by_revision.get(revision, {}).values())

    def right_answers(self, revision: str) -> int:
        """Count the answers of a revision that were as expected."""
        return self.answers_by_revision.get(revision, 0) - self.wrong_answers(revision)

    def nobodys_wrong_answers(self) -> dict[str, int]:
        """Return by kind the wrong answers that named no revision, where others name theirs.

        They are in no revision's count of answers, whoever gave them.
        """
        kinds = self.failures_by_revision.get("", {}) if self.answers_by_revision else {}
        return {kind: count for kind, count in kinds.items() if kind not in _UNANSWERED}

    def as_dict(self) -> dict[str, JsonValue]:
        """Return all figures, for the record and JSON output."""
        return asdict(self)

    def summary(self) -> str:
        """Return a sentence for people."""
        parts = [f"{self.requests} requests in {self.elapsed_s:.0f} s"]
        if self.failures:
            parts.append(f"{self.failures} failed ({listed(self.failures_by_kind)})")
        else:
            parts.append("none failed")
        if nobodys := self.nobodys_wrong_answers():
            parts.append(
                f"{sum(nobodys.values())} wrong answers named no version ({listed(nobodys)}):"
                " they are in no version's count of answers"
            )
        if self.p50_s is not None and self.p99_s is not None:
            parts.append(f"median {1000 * self.p50_s:.0f} ms, p99 {1000 * self.p99_s:.0f} ms")
        if self.not_sent:
            parts.append(f"{self.not_sent} journeys not sent: too many were under way")
        if self.cut_off:
            parts.append(f"{self.cut_off} journeys cut off at the end")
        return "; ".join(parts)


def listed(kinds: Mapping[str, int]) -> str:
    """Name kinds of failures with their counts, the most frequent first."""
    ordered = sorted(kinds.items(), key=lambda kind: -kind[1])
    return ", ".join(f"{kind}: {count}" for kind, count in ordered)
