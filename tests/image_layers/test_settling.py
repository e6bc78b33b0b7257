"""Nothing of a layer tells where and when it was made."""

from pathlib import Path

from image_layers.settling import TIME_S, settle


def test_times_and_modes_are_the_same_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    (folder / "app").mkdir(parents=True, mode=0o700)
    (folder / "app/program").write_bytes(b"\x7fELF and more")
    (folder / "app/script").write_bytes(b"#!/bin/interpreter")
    (folder / "app/text").touch(mode=0o777)
    (folder / "app/link").symlink_to("nowhere")

    settle(folder)

    modes = {path.name: path.lstat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert modes == {
        "layer": 0o755,
        "app": 0o755,
        "program": 0o755,
        "script": 0o755,
        "text": 0o644,
        "link": 0o777,
    }
    assert {path.lstat().st_mtime for path in (folder, *folder.rglob("*"))} == {TIME_S}
