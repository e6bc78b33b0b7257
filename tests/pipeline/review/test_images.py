"""Images are told apart by the bytes of their layers, and by the packages in them."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from pipeline.review.images import Image, built, forget_built, layers_of, packages_of, told

BASE, APP, NEW_APP = (f"sha256:{digit * 64}" for digit in "abc")


def image(tag: str, *, layers: dict[str, int], **packages: str) -> Image:
    return Image(
        tag, layers, {("python", name): frozenset({each}) for name, each in packages.items()}
    )


def test_what_changed_is_told_by_layer_and_package() -> None:
    before = image("t1", layers={BASE: 40_000_000, APP: 300_000}, httpx="1.0", gone="2.0")
    after = image("t2", layers={BASE: 40_000_000, NEW_APP: 500_000}, httpx="1.1", new="3.0")
    text = told({"shop": before}, {"shop": after})
    assert "**shop** `t1` → `t2`: 40.50 MB (+0.20 MB)" in text
    assert f"| - `{APP[7:19]}` | -300000 |" in text
    assert f"| + `{NEW_APP[7:19]}` | +500000 |" in text
    assert "1 layers stay" in text
    assert "| python | httpx | 1.0 | 1.1 |" in text
    assert "| python | gone | 2.0 | - |" in text
    assert "| python | new | - | 3.0 |" in text


def test_an_image_of_the_same_content_is_left_out() -> None:
    same = image("t1", layers={BASE: 1})
    assert told({"shop": same}, {"shop": same}) == "No image changes."


def test_new_and_gone_images_are_told_with_their_size() -> None:
    text = told({"old": image("t", layers={BASE: 2_000_000})}, {"new": image("t", layers={APP: 1})})
    assert "**old**: gone, 2.00 MB." in text
    assert "**new**: new, 0.00 MB." in text


def test_what_pants_has_packaged_is_found_by_the_tag_of_its_content(tmp_path: Path) -> None:
    tags = [{"name": "shop:abc"}, {"name": "shop:local"}]
    file = tmp_path / "src.shop" / "image.docker-info.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"registries": [{"repository": "shop", "tags": tags}]}))
    assert built(tmp_path) == {"shop": "shop:abc"}
    # What is packaged anew comes back; of an image that is gone nothing is left.
    other = file.with_name("image.txt")
    other.touch()
    forget_built(tmp_path)
    assert built(tmp_path) == {}
    assert other.exists()


def test_the_layers_of_a_saved_image_have_the_sizes_of_their_files(tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as files:
        manifest = [{"Config": "c.json", "Layers": ["one/layer.tar", "two/layer.tar"]}]
        add(files, "manifest.json", json.dumps(manifest).encode())
        add(files, "c.json", json.dumps({"rootfs": {"diff_ids": [BASE, APP]}}).encode())
        add(files, "one/layer.tar", b"x" * 700)
        link = tarfile.TarInfo("two/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../one/layer.tar"
        files.addfile(link)
    assert layers_of(archive) == {BASE: 700, APP: 700}


def test_a_package_that_is_there_twice_has_both_versions() -> None:
    bill: dict[str, Any] = {
        "artifacts": [
            {"type": "deb", "name": "libc6", "version": "1"},
            {"type": "deb", "name": "libc6", "version": "2"},
        ]
    }
    assert packages_of(bill) == {("deb", "libc6"): frozenset({"1", "2"})}


def add(files: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    files.addfile(entry, io.BytesIO(content))
