"""Images as Pants names them."""

import json
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.images import image_name


def test_the_name_is_that_of_the_content_tag(tmp_path: Path) -> None:
    file = tmp_path / "web.docker-info.json"
    tags = [{"name": "web:0123"}, {"name": "web:local"}]
    file.write_text(json.dumps({"registries": [{"tags": tags}]}))
    assert image_name(file) == "web:0123"


@pytest.mark.parametrize("text", ["", "{}", '{"registries": []}', "no JSON"])
def test_another_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "web.pex"
    file.write_text(text)
    with pytest.raises(InvalidInput) as refusal:
        image_name(file)
    assert "does not say which image was built" in refusal.value.what
