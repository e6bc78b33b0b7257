"""What of the gate a change was selected for, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.review.manifests import fold


def told(selection: Mapping[str, Any], reasons: Sequence[str]) -> str:
    """Return the selection as Markdown: the stages, and behind a fold a reason for each part."""
    stages = [str(stage["name"]) for stage in selection["stages"]]
    if not stages:
        return "Nothing is to be checked: no check, test or artifact depends on what changed."
    deployments = ", ".join(selection["deployments"]) or "none"
    lines = [f"Stages of the gate: {', '.join(stages)}. Deployments to replace: {deployments}."]
    if reasons:
        lines.append(fold(f"why: {len(reasons)} reasons", "", reasons))
    return "\n\n".join(lines)
