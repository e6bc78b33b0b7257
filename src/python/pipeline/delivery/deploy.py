"""`.ci/deploy TARGET RELEASE`: bring a release to a target, and say how that ended.

Exits as deploytool does: 0 promoted, 4 rolled back on evidence, 5 held, 6 another operation runs.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.delivery import verdict
from pipeline.delivery.deploying import DONE, Deployment, Step
from pipeline.delivery.errors import StepFailed
from pipeline.delivery.layout import laid_out
from pipeline.delivery.tool import Ended, Tool, kubeconfig
from pipeline.summary import show


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    target, release = sys.argv[1], Path(sys.argv[2])
    named = _named(release)
    try:
        with kubeconfig(), laid_out(str(named.get("commit"))):
            return _deploy(target, release, named)
    except StepFailed as failed:
        sys.stderr.write(f"{failed}\n")
        told = {"error": "refused", "what": failed.what, "why": failed.why, "hint": failed.hint}
        step = Step(("deploy",), Ended(failed.exit_code, told))
        show(verdict.verdict(target, named, [step], is_unchanged=False))
        return failed.exit_code


def _deploy(target: str, release: Path, named: Mapping[str, Any]) -> int:
    """Bring the release to the target, and show how that ended; return the exit code."""
    tool = Tool.of_release(target, release)
    deployment = Deployment(tool.run, release)
    code = deployment.deploy()
    words = verdict.verdict(target, named, deployment.steps, is_unchanged=deployment.is_unchanged)
    reports = verdict.report(target, _reports(tool, deployment.steps))
    show("\n".join(part for part in (words, reports) if part))
    return code


def _named(release: Path) -> Mapping[str, Any]:
    """Return what the release says of itself; {} of one that deploytool has refused to read."""
    try:
        found = json.loads(release.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _reports(tool: Tool, steps: Sequence[Step]) -> Sequence[Path]:
    """Have the report written of each canary of these steps; return where they are."""
    runs = [step.ended.result["run"] for step in steps if "run" in step.ended.result]
    written = [tool.run("report", run) for run in dict.fromkeys(runs)]
    return [Path(each.result["file"]) for each in written if each.code == DONE]


if __name__ == "__main__":
    sys.exit(main())
