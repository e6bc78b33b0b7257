"""The summary of a job: where it goes, how much of it, and what in it is only text."""

from pathlib import Path

import pytest

from pipeline.summary import plain, shortened, show, table


def test_it_goes_into_the_file_of_the_job_after_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "summary"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    show("after")
    assert file.read_text() == "before\nafter\n"


def test_it_is_printed_where_there_is_no_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    show("words")
    assert capsys.readouterr().out == "words\n"


def test_what_is_too_long_loses_its_end_at_a_line_and_says_so() -> None:
    text = "ä line\n" * 100
    cut = shortened(text, 300)
    assert len(cut.encode()) <= 300
    assert cut.startswith("ä line\nä line\n")
    assert "left out" in cut
    assert shortened("short", 300) == "short"


def test_a_cell_breaks_no_row() -> None:
    assert table(("a", "b"), [("one\ntwo", "three")]).splitlines()[2] == "| one two | three |"


@pytest.mark.parametrize("text", ["<b>", "a|b", "[x](y)", "`code`", "*bold*", "@team", "#1"])
def test_text_of_others_has_no_markup_left(text: str) -> None:
    assert text not in plain(text)
