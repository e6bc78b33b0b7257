"""The report goes under the pull request that it is about, once: over a server as GitHub's is."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.review.comment import main

NOTE = "*Written by the code of this pull request; nobody has checked it.*"
MARK = "<!-- report of the pipeline -->"


class GitHub:
    """What of GitHub's API is asked here. calls: method and path of what changed something."""

    def __init__(self, pulls: list[Any], comments: list[Any]) -> None:
        self.pulls, self.comments = pulls, comments
        self.calls: list[tuple[str, str, Any]] = []
        self.asked: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        github = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                github.asked.append(self.path)
                size = int(self.headers.get("Content-Length") or 0)
                if self.headers["Authorization"] != "Bearer secret":
                    self.send_error(401)
                    return
                if self.command != "GET":
                    body = json.loads(self.rfile.read(size))
                    github.calls.append((self.command, self.path, body["body"]))
                found = github.pulls if "/pulls?" in self.path else github.comments
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            do_GET = do_POST = do_PATCH = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


PULL = {"number": 3, "head": {"sha": "abc"}}


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "report.md"
    file.write_text("what it comes to")
    named = {
        "GITHUB_REPOSITORY": "example/shop",
        "TOKEN": "secret",
        "HEAD_OWNER": "ada",
        "HEAD_BRANCH": "topic&x",
        "HEAD_SHA": "abc",
    }
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["comment", str(file)])
    return file


def put(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> int:
    with github.serving() as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        return main()


def test_a_first_report_is_a_new_comment(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    github = GitHub([PULL], [])
    assert put(github, monkeypatch) == 0
    place = "/repos/example/shop/issues/3/comments"
    assert github.calls == [("POST", place, f"{MARK}\n{NOTE}\n\nwhat it comes to")]
    assert "head=ada%3Atopic%26x" in github.asked[0]


def test_a_later_one_takes_its_place(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"id": 8, "user": {"type": "Bot"}, "body": f"{MARK}\nof before"}
    github = GitHub([PULL], [before])
    assert put(github, monkeypatch) == 0
    assert [call[:2] for call in github.calls] == [
        ("PATCH", "/repos/example/shop/issues/comments/8")
    ]


def test_the_comment_of_somebody_with_the_same_mark_stays(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"id": 9, "user": {"type": "User"}, "body": f"{MARK}\nmine"}
    github = GitHub([PULL], [theirs])
    assert put(github, monkeypatch) == 0
    assert [call[0] for call in github.calls] == ["POST"]


def test_a_pull_request_that_was_pushed_to_since_gets_none(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = GitHub([{"number": 3, "head": {"sha": "newer"}}], [])
    assert put(github, monkeypatch) == 0
    assert github.calls == []


@pytest.mark.parametrize("number", [3, 4])
def test_of_two_pull_requests_of_a_branch_each_gets_its_own_report(
    report: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    github = GitHub([PULL, {**PULL, "number": 4}], [])
    report.with_name("pull-request").write_text(f"{number}\n")
    assert put(github, monkeypatch) == 0
    assert [call[1] for call in github.calls] == [f"/repos/example/shop/issues/{number}/comments"]


@pytest.mark.parametrize("said", ["", "5", "../issues/1"])
def test_a_report_of_which_nobody_knows_whose_it_is_goes_under_none(
    report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    github = GitHub([PULL, {**PULL, "number": 4}], [])
    report.with_name("pull-request").write_text(said)
    assert put(github, monkeypatch) == 1
    assert github.calls == []
    assert "several have its head (3, 4)" in capsys.readouterr().err


def test_what_the_report_says_itself_leads_it_to_no_other_pull_request(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = GitHub([PULL], [])
    report.with_name("pull-request").write_text("12")
    assert put(github, monkeypatch) == 0
    assert [call[1] for call in github.calls] == ["/repos/example/shop/issues/3/comments"]


def test_a_server_that_does_not_answer_is_told_in_words(
    report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.review.comment._TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert main() == 1
    assert "timed out" in capsys.readouterr().err


def test_a_report_mentions_nobody(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report.write_text("@ada and @example/owners")
    github = GitHub([PULL], [])
    assert put(github, monkeypatch) == 0
    assert github.calls[0][2].endswith("@\u200bada and @\u200bexample/owners")


def test_a_long_report_is_cut_to_what_a_comment_holds(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.write_text("a line\n" * 20_000)
    github = GitHub([PULL], [])
    assert put(github, monkeypatch) == 0
    assert len(github.calls[0][2]) < 65_536


def test_a_server_that_refuses_is_told_in_words(
    report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", "wrong")
    assert put(GitHub([PULL], []), monkeypatch) == 1
    assert "401" in capsys.readouterr().err
