"""YAML with lines: every complaint names the file and the line."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from deploytool.errors import InvalidInput
from deploytool.system.document import parse_documents, parse_model, read_document


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    port: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: list[Inner]


def write(folder: Path, text: str) -> Path:
    path = folder / "some.yaml"
    path.write_text(text)
    return path


def test_data_is_what_yaml_says(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "a: 1\nb: [true, ~, 1.5, text]\n"))
    assert document.data == {"a": 1, "b": [True, None, 1.5, "text"]}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("parts:\n  - port: 80\n  - port: eighty\n", 3, "integer"),
        ("parts:\n  - port: 80\n    colour: red\n", 3, "not permitted"),
        ("# only\n\nparts: 7\n", 3, "list"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidInput) as raised:
        parse_model(read_document(path), Outer)
    assert str(raised.value.place) == f"{path}:{line}"
    assert why in raised.value.why


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\nb: [1, 2\nc: 3\n")
    with pytest.raises(InvalidInput) as raised:
        read_document(path)
    assert str(raised.value.place) == f"{path}:3"


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\nb: 2\na: 3\n")
    with pytest.raises(InvalidInput, match="stands twice") as raised:
        read_document(path)
    assert str(raised.value.place) == f"{path}:3"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a: 1\nb: !Ref c\n", 2, "!Ref"),
        ("a:\n  - {{ .Values.a }}\n", 2, "a key must be a single word"),
        ("a: 1\n<<: text\n", 2, "only mappings can be merged"),
    ],
)
def test_what_is_yaml_but_no_data_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidInput) as raised:
        read_document(path)
    assert str(raised.value.place) == f"{path}:{line}"
    assert why in raised.value.why


def test_a_value_that_holds_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not valid YAML"):
        read_document(write(tmp_path, "a: &all [*all]\n"))


def test_a_file_of_one_document_has_no_second(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\n---\nb: 2\n")
    with pytest.raises(InvalidInput, match="holds 2 documents") as raised:
        read_document(path)
    assert str(raised.value.place) == f"{path}:3"


def test_lines_count_through_all_documents_of_a_file() -> None:
    first, empty, last = parse_documents("a: 1\n---\n---\nb:\n  - c: 2\n", Path("x.yaml"))
    assert str(first.place(("a",))) == "x.yaml:1"
    assert empty.data is None
    assert last.data == {"b": [{"c": 2}]}
    assert str(last.place(("b", 0, "c"))) == "x.yaml:5"


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_document(tmp_path / "none.yaml")
    assert "No such file" in raised.value.why
    assert raised.value.hint
