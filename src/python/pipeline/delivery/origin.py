"""`.ci/origin RUN`: see that the release of a run is one that release.yml made of main.

Any run may keep an artifact of that name, one of a pull request too; and with a release comes the
tool that is to check it. The environment says where to ask: GITHUB_API_URL and GITHUB_REPOSITORY,
with a TOKEN that may read runs.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from typing import Any

from pipeline.delivery.errors import StepFailed

_WORKFLOW = ".github/workflows/release.yml"
_TIMEOUT_S = 30


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    given = os.environ
    repository = given["GITHUB_REPOSITORY"]
    try:
        found = _run(f"{given['GITHUB_API_URL']}/repos/{repository}", sys.argv[1], given["TOKEN"])
        require_release(found, repository)
    except StepFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return failed.exit_code
    return 0


def require_release(run: Mapping[str, Any], repository: str) -> None:
    """Raise StepFailed unless a run, as GitHub describes it, released a push to main."""
    wanted = {
        "workflow": (_WORKFLOW, str(run.get("path", "")).partition("@")[0]),
        "event": ("push", run.get("event")),
        "branch": ("main", run.get("head_branch")),
        "repository": (repository, (run.get("head_repository") or {}).get("full_name")),
    }
    wrong = [f"its {name} is {is_}, not {it}" for name, (it, is_) in wanted.items() if is_ != it]
    if wrong:
        raise StepFailed(
            f"run {run.get('id')} is no release of main",
            why="; ".join(wrong),
            hint="name one that `gh run list --workflow release.yml` lists",
            exit_code=2,
        )


def _run(repository: str, number: str, token: str) -> Mapping[str, Any]:
    """Return what GitHub says of a run. Raises StepFailed when it says nothing."""
    request = urllib.request.Request(  # noqa: S310  (the address is GitHub's own)
        f"{repository}/actions/runs/{number}",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            found = json.load(answer)
    except (OSError, ValueError) as error:
        raise StepFailed(
            f"whether run {number} is a release of main is not known",
            why=str(error),
            hint="name one that `gh run list --workflow release.yml` lists, or run the job again",
        ) from error
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
