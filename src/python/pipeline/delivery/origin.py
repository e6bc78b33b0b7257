"""`.ci/origin RUN`: see that the release of a run is one that release.yml made of main.

Any run may keep an artifact of that name, one of a pull request too; and with a release comes the
tool that is to check it. A tag may be named as a branch is, so the commit must be in the history of
main, too. The environment says where to ask: GITHUB_API_URL and GITHUB_REPOSITORY, with a TOKEN
that may read runs and contents.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.delivery.errors import StepFailed

_WORKFLOW = ".github/workflows/release.yml"
_TIMEOUT_S = 30
_HINT = "name one that `gh run list --workflow release.yml` lists"


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    given = os.environ
    repository = given["GITHUB_REPOSITORY"]
    try:
        github = GitHub(f"{given['GITHUB_API_URL']}/repos/{repository}", given["TOKEN"])
        run = github.run(sys.argv[1])
        require_release(run, repository)
        require_history(run, github.history(str(run.get("head_sha"))))
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
        raise _refused(run, "; ".join(wrong))


def require_history(run: Mapping[str, Any], status: str) -> None:
    """Raise StepFailed unless the commit of a run is in the history of main.

    status: that of the commit, as GitHub compares it to the branch.
    """
    if status not in {"identical", "behind"}:
        raise _refused(run, f"its commit {run.get('head_sha')} is not in the history of main")


def _refused(run: Mapping[str, Any], why: str) -> StepFailed:
    return StepFailed(f"run {run.get('id')} is no release of main", why, _HINT, exit_code=2)


@dataclass(frozen=True)
class GitHub:
    """The API of a repository. url: of the repository there. All raise StepFailed."""

    url: str
    token: str

    def run(self, number: str) -> Mapping[str, Any]:
        """Return what GitHub says of a run."""
        return self._ask(f"/actions/runs/{number}")

    def history(self, commit: str) -> str:
        """Return how a commit compares to the branch main; a tag of that name is not asked for."""
        main = self._ask("/git/ref/heads/main").get("object", {}).get("sha")
        return str(self._ask(f"/compare/{main}...{commit}?per_page=1").get("status"))

    def _ask(self, path: str) -> Mapping[str, Any]:
        request = urllib.request.Request(  # noqa: S310  (the address is GitHub's own)
            f"{self.url}{path}",
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                found = json.load(answer)
        except (OSError, ValueError) as error:
            raise StepFailed(
                "whether the run is a release of main is not known",
                why=f"{path}: {error}",
                hint=f"{_HINT}, or run the job again",
            ) from error
        return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
