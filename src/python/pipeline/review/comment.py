"""`.ci/comment REPORT`: put a report under the pull request that a run was about.

For a job that runs no code of the pull request, and takes its text for text. The environment says
which it was, as GitHub itself knows it: HEAD_OWNER and HEAD_BRANCH, where it comes from, and
HEAD_SHA, the commit that the report is about. TOKEN may write comments.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.summary import shortened

# By this line a comment is known again, to be replaced.
_MARK = "<!-- report of the pipeline -->"
# GitHub takes 65,536 characters.
_MOST = 60_000
_TIMEOUT_S = 30
_PER_PAGE = 100


@dataclass(frozen=True)
class Repository:
    """The API of a repository. url: of the repository there."""

    url: str
    token: str

    def pull_request(self, owner: str, branch: str, commit: str) -> int | None:
        """Return the number of the open pull request whose head that is; None without.

        One that was pushed to since is about another commit: its own run will tell.
        """
        query = urllib.parse.urlencode({"state": "open", "head": f"{owner}:{branch}"})
        found = self._ask("GET", f"/pulls?{query}")
        numbers = [each["number"] for each in found if each["head"]["sha"] == commit]
        return numbers[0] if numbers else None

    def put(self, number: int, text: str) -> None:
        """Write the comment of the report, in the place of the one before."""
        body = {"body": f"{_MARK}\n{text}"}
        found = self._ask("GET", f"/issues/{number}/comments?per_page={_PER_PAGE}")
        before = [each["id"] for each in found if _is_ours(each)]
        if before:
            self._ask("PATCH", f"/issues/comments/{before[0]}", body)
        else:
            self._ask("POST", f"/issues/{number}/comments", body)

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  (the address is GitHub's own)
            f"{self.url}{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return json.load(answer)


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    text = shortened(Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace"), _MOST)
    given = os.environ
    repository = Repository(
        f"{given['GITHUB_API_URL']}/repos/{given['GITHUB_REPOSITORY']}", given["TOKEN"]
    )
    try:
        number = repository.pull_request(
            given["HEAD_OWNER"], given["HEAD_BRANCH"], given["HEAD_SHA"]
        )
        if number is None:
            sys.stderr.write(f"no open pull request has the head {given['HEAD_SHA']}\n")
            return 0
        repository.put(number, text)
    except urllib.error.URLError as error:
        sys.stderr.write(
            f"error: the report is not under the pull request\n  why:  {error}\n"
            "  hint: run the job again; the report is in the summary of the run before it\n"
        )
        return 1
    return 0


def _is_ours(comment: Mapping[str, Any]) -> bool:
    """Tell whether a comment is that of this job: anybody may write the mark into one."""
    is_bot = comment["user"]["type"] == "Bot"
    return is_bot and str(comment["body"]).startswith(_MARK)


if __name__ == "__main__":
    sys.exit(main())
