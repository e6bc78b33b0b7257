"""`.ci/comment REPORT`: put a report under the pull request that a run was about.

For a job that runs no code of the pull request, and takes its text for text: a comment says whose
it is, and notifies nobody. The environment says which it was, as GitHub itself knows it: HEAD_OWNER
and HEAD_BRANCH, where it comes from, and HEAD_SHA, the commit that the report is about. TOKEN may
write comments. Of several pull requests with that head the file `pull-request` beside the report
says which it was made for.
"""

import http.client
import json
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.summary import shortened

# By this line a comment is known again, to be replaced.
_MARK = "<!-- report of the pipeline -->"
# A bot is trusted more than who has written the text.
_NOTE = "*Written by the code of this pull request; nobody has checked it.*"
# GitHub takes 65,536 characters.
_MOST = 60_000
_TIMEOUT_S = 30
_PER_PAGE = 100
# Beside a report: the number of the pull request. A hint, as code of that has written it.
PULL_REQUEST = "pull-request"


@dataclass(frozen=True)
class Repository:
    """The API of a repository. url: of the repository there."""

    url: str
    token: str

    def pull_requests(self, owner: str, branch: str, commit: str) -> list[int]:
        """Return the numbers of the open pull requests whose head that is, to several bases.

        One that was pushed to since is about another commit: its own run will tell.
        """
        query = urllib.parse.urlencode({"state": "open", "head": f"{owner}:{branch}"})
        found = self._ask("GET", f"/pulls?{query}")
        return [int(each["number"]) for each in found if each["head"]["sha"] == commit]

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
    report = Path(sys.argv[1])
    text = noted(report.read_text(encoding="utf-8", errors="replace"))
    given = os.environ
    repository = Repository(
        f"{given['GITHUB_API_URL']}/repos/{given['GITHUB_REPOSITORY']}", given["TOKEN"]
    )
    try:
        numbers = repository.pull_requests(
            given["HEAD_OWNER"], given["HEAD_BRANCH"], given["HEAD_SHA"]
        )
        if not numbers:
            sys.stderr.write(f"no open pull request has the head {given['HEAD_SHA']}\n")
            return 0
        number = _meant(numbers, report.with_name(PULL_REQUEST))
        if number is None:
            return _failed(f"several have its head ({', '.join(map(str, numbers))})")
        repository.put(number, text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # What GitHub does not answer, or not in its own way.
        return _failed(str(error))
    return 0


def noted(text: str) -> str:
    """Return a text for a comment: it says whose it is, mentions nobody, and is short enough."""
    # Behind @ a space without width.
    quiet = text.replace("@", "@\u200b")
    return f"{_NOTE}\n\n{shortened(quiet, _MOST)}"


def _meant(numbers: Sequence[int], hint: Path) -> int | None:
    """Return which one of the pull requests a report is about; None when nothing says so."""
    said = hint.read_text(encoding="utf-8", errors="replace").strip() if hint.is_file() else ""
    named = [number for number in numbers if str(number) == said]
    if named or len(numbers) > 1:
        return next(iter(named), None)
    return numbers[0]


def _failed(why: str) -> int:
    sys.stderr.write(
        f"error: the report is not under the pull request\n  why:  {why}\n"
        "  hint: run the job again; the report is in the summary of the run before it\n"
    )
    return 1


def _is_ours(comment: Mapping[str, Any]) -> bool:
    """Tell whether a comment is that of this job: anybody may write the mark into one."""
    is_bot = comment["user"]["type"] == "Bot"
    return is_bot and str(comment["body"]).startswith(_MARK)


if __name__ == "__main__":
    sys.exit(main())
