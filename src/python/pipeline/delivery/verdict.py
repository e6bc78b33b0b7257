"""How a deployment ended, in words."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.delivery.deploying import DONE, HELD, LOCKED, ROLLED_BACK, Step
from pipeline.summary import plain

_WORDS = {
    DONE: "✅ promoted",
    ROLLED_BACK: "❌ rolled back",
    HELD: "✋ held: a person decides",
    LOCKED: "⏳ refused: another operation is under way",
}


def verdict(
    target: str, release: Mapping[str, Any], steps: Sequence[Step], *, is_unchanged: bool
) -> str:
    """Return the verdict in words, counts, and what to do, as Markdown."""
    code = steps[-1].ended.code if steps else DONE
    word = "✅ unchanged" if is_unchanged and code == DONE else _WORDS.get(code, "❌ failed")
    parts = [f"## {target}: {word}", _named(release)]
    parts += [text for step in steps if (text := _told(step))]
    if code == HELD:
        parts.append(_ways_on(target))
    return "\n\n".join(parts) + "\n"


def of_decision(target: str, command: Sequence[str], step: Step) -> str:
    """Return what a person's decision about a canary or revision came to, as Markdown."""
    word = "✅ done" if step.ended.code == DONE else _WORDS.get(step.ended.code, "❌ failed")
    parts = [f"## {target}: {' '.join(map(plain, command))}: {word}", _told(step)]
    if step.ended.code == HELD:
        parts.append(_ways_on(target))
    return "\n\n".join(part for part in parts if part) + "\n"


def report_link() -> str:
    """Return where this run's report is downloaded; "" outside of GitHub."""
    run = [os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    if not all(run):
        return ""
    server, repository, number = run
    return f"{server}/{repository}/actions/runs/{number}#artifacts"


def report(target: str, reports: Sequence[Path]) -> str:
    """Return where the reports on canaries are, as Markdown; "" where there was no canary."""
    if not reports:
        return ""
    names = ", ".join(f"`{each}`" for each in reports)
    link = report_link()
    if not link:
        return f"Report: {names}\n"
    return f"Report: [`deployment-{target}` of this run]({link}) has {names}\n"


def _named(release: Mapping[str, Any]) -> str:
    system, commit = str(release.get("system", "?")), str(release.get("commit", "?"))
    return f"Release of {plain(system)}, commit {plain(commit[:12])}."


def _told(step: Step) -> str:
    """Return the paragraph on one command; "" for one of which there is nothing to say."""
    result = step.ended.result
    if "error" in result:
        lines = [f"**{plain(str(result.get('what', result['error'])))}**"]
        lines += [f"{name}: {plain(str(result[name]))}" for name in _FIELDS if name in result]
        return "\\\n".join(lines)
    if "result" in result:
        return _of_canary(result)
    if "from" in result and "to" in result:
        return f"**{result['component']}** went back from `{result['from']}` to `{result['to']}`."
    if "counts" in result:
        counts = [f"{number} {name}" for name, number in result["counts"].items() if number]
        return f"`{step.command[0]}`: {', '.join(counts)}."
    if step.ended.code != DONE:
        return f"`{step.command[0]}` ended with exit code {step.ended.code}: see its log."
    return ""


_FIELDS = ("place", "why", "note", "hint")


def _of_canary(result: Mapping[str, Any]) -> str:
    lines = [
        f"**{result['component']}** `{result['stable']}` → `{result['canary']}`: "
        f"{result['result']}",
        f"why: {plain(str(result['reason']))}",
    ]
    load = (result.get("load") or {}).get("counts")
    if load:
        lines.append(f"traffic: {load['requests']} requests, {load['failures']} failed")
    lines += [f"callers: {plain(str(each))}" for each in result.get("callers", ())]
    lines += [f"afterwards: {plain(str(each.get('what')))}" for each in result.get("failures", ())]
    if result.get("left"):
        lines.append("An earlier run left it so; nothing was done in this run.")
    return "\\\n".join(lines)


def _ways_on(target: str) -> str:
    return (
        "Decide by one of these two, then run this job again:\n\n"
        f"    ./pants run deploytool -- promote --target {target}\n"
        f"    ./pants run deploytool -- abort --target {target}\n\n"
        "or by the workflow of the same name."
    )
