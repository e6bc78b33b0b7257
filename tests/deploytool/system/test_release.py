"""Release files: what is read of them, and how wrong ones are named, with their line."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploytool.errors import InvalidInput
from deploytool.system.release import ReleasedImage, content_digest, read_release

DIGEST = "sha256:" + "a" * 64
IMAGE = {"image": f"localhost:5000/shop@{DIGEST}", "tag": "b" * 64, "platform": "linux/amd64"}
RELEASE: dict[str, Any] = {
    "format": 1,
    "system": "shop",
    "repository": "https://example.org/shop",
    "commit": "c" * 40,
    "images": {"shop": IMAGE},
}


def written(path: Path, content: str) -> Path:
    path = path / "release.json"
    path.write_text(content)
    return path


def test_a_release_names_each_image_by_digest_and_content(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(RELEASE))
    read = read_release(path)
    image = read.release.images["shop"]
    assert (image.digest, image.name) == (DIGEST, f"shop:{'b' * 64}")
    assert (image.sbom, read.bundle) == (None, tmp_path / "release.json.bundle")


def test_a_release_is_known_by_its_bytes(tmp_path: Path) -> None:
    first = read_release(written(tmp_path, json.dumps(RELEASE)))
    second = read_release(written(tmp_path, json.dumps(RELEASE, indent=2)))
    assert first.release == second.release
    assert first.digest != second.digest


def test_the_name_of_an_image_is_that_of_the_build_wherever_it_is_pulled_from() -> None:
    image = ReleasedImage(
        image=f"registry.example:5000/team/shop@{DIGEST}", tag="t1", platform="linux/arm64/v8"
    )
    assert image.name == "shop:t1"


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        pytest.param("", 1, "is not JSON", id="empty"),
        pytest.param('{\n"format": 1,,\n}', 2, "is not JSON", id="no JSON"),
        pytest.param("format: 1\n", 1, "is not JSON", id="YAML"),
        pytest.param('{\n"format": 2\n}', 2, "is of format 2", id="another format"),
        pytest.param('{\n"format": 1,\n"format": 1\n}', 3, "stands twice", id="a key twice"),
        pytest.param("[]", 1, "is not valid", id="no object"),
        pytest.param(
            json.dumps({**RELEASE, "commit": "main"}, indent=1), 5, "commit is not", id="no commit"
        ),
        pytest.param(
            json.dumps({**RELEASE, "images": {"shop": {**IMAGE, "image": "shop:1"}}}, indent=1),
            8,
            "images.shop.image is not valid",
            id="a tag in place of a digest",
        ),
        pytest.param(
            json.dumps({**RELEASE, "images": {}}, indent=1), 6, "images is not", id="no image"
        ),
        pytest.param(
            json.dumps({**RELEASE, "notes": "x"}, indent=1), 13, "notes is not", id="unknown"
        ),
    ],
)
def test_a_wrong_file_is_named_with_its_line(
    tmp_path: Path, content: str, line: int, what: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InvalidInput) as caught:
        read_release(path)
    assert what in caught.value.what
    assert str(caught.value.place) == f"{path}:{line}"
    assert caught.value.why
    assert caught.value.hint


def test_bytes_that_are_no_text_are_no_release(tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="not JSON"):
        read_release(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_release(tmp_path / "none.json")


def test_the_digest_of_a_document_is_that_of_its_content() -> None:
    assert content_digest({"a": 1, "b": "<é>"}) == content_digest(
        json.loads('{\n "b": "\\u003c\\u00e9>", "a": 1}')
    )
    assert content_digest({"a": 1}) != content_digest({"a": 2})
