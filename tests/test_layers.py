"""The layers of docs/architecture.md, as contracts in pyproject.toml."""

import pytest
from importlinter.cli import lint_imports


def test_every_module_imports_only_what_its_layer_may(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend("src/python")

    exit_code = lint_imports(config_filename="pyproject.toml", no_cache=True)

    assert exit_code == 0, capsys.readouterr().out
