"""Only what release.yml made of main is taken: a release brings the tool that checks it."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pipeline.delivery import origin
from pipeline.delivery.errors import StepFailed
from pipeline.delivery.origin import require_release

REPOSITORY = "example/shop"
RELEASE: dict[str, Any] = {
    "id": 7,
    "path": ".github/workflows/release.yml",
    "event": "push",
    "head_branch": "main",
    "head_repository": {"full_name": REPOSITORY},
    "head_sha": "b" * 40,
}
MAIN = "a" * 40


@pytest.mark.parametrize("suffix", ["", "@refs/heads/main"])
def test_a_release_of_main_is_taken(suffix: str) -> None:
    require_release({**RELEASE, "path": RELEASE["path"] + suffix}, REPOSITORY)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"path": ".github/workflows/ci.yml"}, "its workflow is .github/workflows/ci.yml"),
        ({"event": "pull_request"}, "its event is pull_request"),
        ({"head_branch": "topic"}, "its branch is topic"),
        ({"head_repository": {"full_name": "fork/shop"}}, "its repository is fork/shop"),
        ({"head_repository": None}, "its repository is None"),
    ],
)
def test_any_other_run_is_refused_by_what_is_wrong(change: dict[str, Any], named: str) -> None:
    with pytest.raises(StepFailed) as refused:
        require_release({**RELEASE, **change}, REPOSITORY)
    assert named in refused.value.why
    assert refused.value.exit_code == 2


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a server says of runs, by their path."""
    answers: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            assert self.headers["Authorization"] == "Bearer secret"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("TOKEN", "secret")
    yield answers
    server.shutdown()
    thread.join()
    server.server_close()


def answer(api: dict[str, Any], run: Any, status: str) -> None:
    """Have the server know run 7, and how its commit compares to main."""
    api[f"/repos/{REPOSITORY}/actions/runs/7"] = run
    api[f"/repos/{REPOSITORY}/git/ref/heads/main"] = {"object": {"sha": MAIN}}
    compared = f"/repos/{REPOSITORY}/compare/{MAIN}...{RELEASE['head_sha']}?per_page=1"
    api[compared] = {"status": status}


@pytest.mark.parametrize(
    ("status", "code"), [("identical", 0), ("behind", 0), ("ahead", 2), ("diverged", 2)]
)
def test_a_tag_named_main_makes_no_release_of_main(
    api: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: str,
    code: int,
) -> None:
    answer(api, RELEASE, status)
    monkeypatch.setattr("sys.argv", ["origin", "7"])
    assert origin.main() == code
    named = f"its commit {RELEASE['head_sha']} is not in the history of main"
    assert (named in capsys.readouterr().err) is (code == 2)


@pytest.mark.parametrize(
    ("run", "code", "said"),
    [
        (RELEASE, 0, ""),
        ({**RELEASE, "event": "pull_request"}, 2, "run 7 is no release of main"),
        ({**RELEASE, "id": 8}, 2, "GitHub tells of run 8 instead"),
        (None, 2, "whether the run is a release of main is not known"),
    ],
)
def test_github_is_asked(
    api: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: dict[str, Any] | None,
    code: int,
    said: str,
) -> None:
    answer(api, run, "identical")
    monkeypatch.setattr("sys.argv", ["origin", "7"])
    assert origin.main() == code
    told = capsys.readouterr().err
    assert said in told
    assert "secret" not in told


@pytest.mark.parametrize("number", ["123 ", "", "777/../7", "-7", "\u0667", "7\n"])
def test_what_is_no_number_is_asked_of_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    monkeypatch.setattr("sys.argv", ["origin", number])
    assert origin.main() == 2
    assert f"error: {number!r} is no number of a run" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_REPOSITORY", "TOKEN"])
def test_a_variable_that_is_missing_is_named(
    api: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    answer(api, RELEASE, "identical")
    monkeypatch.setattr("sys.argv", ["origin", "7"])
    monkeypatch.delenv(name)
    assert origin.main() == 2
    assert f"why:  {name} is not set" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_no_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{gone.getsockname()[1]}")
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("TOKEN", "secret")
    monkeypatch.setattr("sys.argv", ["origin", "7"])
    assert origin.main() == 1
    assert "refused" in capsys.readouterr().err
