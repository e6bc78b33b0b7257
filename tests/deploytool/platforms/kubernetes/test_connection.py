"""A kubeconfig that is not as it should be is named in one line."""

from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.kubernetes.connection import connect

CONFIG = """\
clusters: [{name: it, cluster: {server: "http://127.0.0.1:7"}}]
users: [{name: it, user: {}}]
contexts: [{name: it, context: {cluster: it, user: it}}]
"""


def test_an_empty_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", "")
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(CONFIG)
    assert connect("it").configuration.host == "http://127.0.0.1:7"


@pytest.mark.parametrize("text", ["clusters: [", "", "- no\n- mapping\n", "clusters: []\n"])
def test_a_file_that_is_none_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(InvalidInput, match="there is no cluster") as failed:
        connect("it")
    assert failed.value.why
    assert "\n" not in failed.value.why


def test_an_error_without_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OSError

    monkeypatch.setattr("kubernetes.config.new_client_from_config", fail)
    with pytest.raises(InvalidInput) as failed:
        connect(None)
    assert failed.value.why == "OSError"
