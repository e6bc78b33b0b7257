"""The order in which PyInstaller wrote the archive cannot be seen in it any more."""

import zipfile
from pathlib import Path

from pyinstaller.freezing.base_library import sort_entries


def test_archives_of_different_order_become_the_same(tmp_path: Path) -> None:
    archives = [tmp_path / "1.zip", tmp_path / "2.zip"]
    entries = [("b/__init__.pyc", b"b"), ("a.pyc", b"a"), ("c.pyc", b"c")]
    for archive, order in zip(archives, (entries, entries[::-1]), strict=True):
        with zipfile.ZipFile(archive, "w") as written:
            for name, content in order:
                written.writestr(zipfile.ZipInfo(name), content)
        sort_entries(archive)

    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as sorted_archive:
        assert [(name, sorted_archive.read(name)) for name in sorted_archive.namelist()] == [
            ("a.pyc", b"a"),
            ("b/__init__.pyc", b"b"),
            ("c.pyc", b"c"),
        ]
