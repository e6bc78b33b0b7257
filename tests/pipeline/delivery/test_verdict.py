"""What people read of a deployment: the verdict first, in words, then why, counts, what to do."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.deploying import Step
from pipeline.delivery.tool import Ended
from pipeline.delivery.verdict import of_decision, report, verdict

RELEASE = {"system": "shop", "commit": "0123456789abcdef"}


def canary(result: str, code: int, **more: Any) -> Step:
    said = {
        "result": result,
        "component": "new-microservice",
        "stable": "3a6991eb22d7",
        "canary": "5fa83a563fb4",
        "reason": "errors: 8 of 34 canary requests failed (23.5 %)",
        "run": "r1",
        "load": {"counts": {"requests": 880, "failures": 10}},
        "callers": ["legacy-app answered 3 of 434 requests not as expected"],
        **more,
    }
    return Step(("canary", "new-microservice"), Ended(code, said))


def told(*steps: Step, is_unchanged: bool = False) -> str:
    return verdict("staging", RELEASE, steps, is_unchanged=is_unchanged)


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        ("promoted", 0, "## staging: ✅ promoted"),
        ("rolled-back", 4, "## staging: ❌ rolled back"),
        ("held", 5, "## staging: ✋ held"),
    ],
)
def test_the_verdict_comes_first_with_its_reason_and_counts(
    result: str, code: int, words: str
) -> None:
    text = told(canary(result, code))
    assert text.startswith(words)
    assert "commit 0123456789ab" in text
    assert "**new-microservice** `3a6991eb22d7` → `5fa83a563fb4`" in text
    assert "why: errors: 8 of 34 canary requests failed (23.5 %)" in text
    assert "880 requests, 10 failed" in text
    assert "callers: legacy-app answered 3 of 434" in text


def test_a_held_canary_names_both_commands_and_the_target() -> None:
    text = told(canary("held", 5))
    assert "deploytool -- promote --target staging" in text
    assert "deploytool -- abort --target staging" in text
    assert "deploytool -- abort" not in told(canary("rolled-back", 4))


def test_a_refusal_is_told_in_its_own_words() -> None:
    error = {"error": "invalid-input", "what": "no JSON", "why": "line 3", "hint": "name another"}
    text = told(Step(("plan",), Ended(2, error)))
    assert text.startswith("## staging: ❌ failed")
    assert "**no JSON**" in text
    assert "why: line 3" in text
    assert "hint: name another" in text


def test_a_command_that_said_nothing_is_named_with_its_exit_code() -> None:
    assert "`up` ended with exit code 137" in told(Step(("up",), Ended(137, {})))


def test_what_ran_already_is_unchanged_not_promoted() -> None:
    counts = {"counts": {"create": 0, "noop": 4}}
    text = told(Step(("up",), Ended(0, counts)), is_unchanged=True)
    assert text.startswith("## staging: ✅ unchanged")
    assert "`up`: 4 noop." in text


def test_text_of_others_stays_text() -> None:
    text = told(canary("rolled-back", 4, reason="<img src=x> [a](b) @team | `x`"))
    assert "<img" not in text
    assert "[a](b)" not in text
    assert "@team" not in text


def test_a_rollback_says_from_where_to_where() -> None:
    went = {"component": "shop", "from": "new", "to": "old"}
    text = of_decision("staging", ["rollback", "shop"], Step(("rollback",), Ended(0, went)))
    assert text.startswith("## staging: rollback shop: ✅ done")
    assert "went back from `new` to `old`" in text


def test_the_report_is_linked_where_there_is_a_run_to_link_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"SERVER_URL": "https://github.com", "REPOSITORY": "a/b", "RUN_ID": "7"}
    for name in names:
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)
    written = [Path("reports/r1.html")]
    assert report("staging", written) == "Report: `reports/r1.html`\n"
    for name, value in names.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert "https://github.com/a/b/actions/runs/7#artifacts" in report("staging", written)
    assert report("staging", []) == ""
