"""`.ci/origin RUN`: see that the release of a run is one that release.yml made of main.

Any run may keep an artifact of that name, one of a pull request too; and with a release comes the
tool that is to check it. A tag may be named as a branch is, so the commit must be in the history of
main, too. The environment says where to ask: GITHUB_API_URL and GITHUB_REPOSITORY, with a TOKEN
that may read runs and contents.
"""

import http.client
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pipeline.delivery.errors import StepFailed

_WORKFLOW = ".github/workflows/release.yml"
_TIMEOUT_S = 30
_HINT = "name one that `gh run list --workflow release.yml` lists"


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    try:
        number = _number(sys.argv[1])
        address, repository, token = map(_given, ("GITHUB_API_URL", "GITHUB_REPOSITORY", "TOKEN"))
        github = GitHub(f"{address}/repos/{repository}", token)
        run = github.run(number)
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


def _number(text: str) -> str:
    """Return the text when it is the number of a run: it becomes a part of an address."""
    if not re.fullmatch("[0-9]+", text):
        raise StepFailed(f"{text!r} is no number of a run", "it has other characters", _HINT, 2)
    return text


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        hint = f"set {name}: a job of GitHub has it, or is given it by its workflow"
        raise StepFailed("GitHub cannot be asked", f"{name} is not set", hint, 2)
    return value


def _refused(run: Mapping[str, Any], why: str) -> StepFailed:
    return StepFailed(f"run {run.get('id')} is no release of main", why, _HINT, exit_code=2)


@dataclass(frozen=True)
class GitHub:
    """The API of a repository. url: of the repository there. All raise StepFailed."""

    url: str
    token: str

    def run(self, number: str) -> Mapping[str, Any]:
        """Return what GitHub says of a run; refuses what it says of another one."""
        found = self._ask(f"/actions/runs/{number}")
        if str(found.get("id")) != number:
            raise _refused({"id": number}, f"GitHub tells of run {found.get('id')} instead")
        return found

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
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise StepFailed(
                "whether the run is a release of main is not known",
                why=f"{path}: {error}",
                hint=f"{_HINT}, or run the job again",
                exit_code=2 if getattr(error, "code", None) == HTTPStatus.NOT_FOUND else 1,
            ) from error
        return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
