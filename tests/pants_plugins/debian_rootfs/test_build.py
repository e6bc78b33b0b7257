"""What of a package stays in a root file system, and how it is written down."""

import hashlib
import tarfile
from email.parser import BytesParser
from pathlib import Path

import pytest

from debian_rootfs import build


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name in (
        "usr/bin/program",
        "usr/lib/x86_64-linux-gnu/libthing.so.1",
        "usr/lib/x86_64-linux-gnu/gconv/LATIN.so",
        "usr/share/doc/thing/copyright",
        "usr/share/doc/thing/changelog.gz",
        "usr/share/man/man1/program.1",
        "var/lib/dpkg/status.d/thing",
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "usr/bin/program").chmod(0o4755)
    (tree / "usr/bin/link").symlink_to("program")
    return tree


def files(tree: Path) -> set[str]:
    return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize(
    ("pattern", "is_matched"),
    [
        ("usr/lib", True),
        ("usr/lib/*/lib*.so*", True),
        ("usr/lib/*", True),
        ("usr/*.so.1", False),  # a star does not pass a slash
        ("lib", False),
        ("usr/lib/x86_64-linux-gnu/libthing.so.1/deeper", False),
    ],
)
def test_a_pattern_means_a_path_and_all_below(pattern: str, is_matched: bool) -> None:
    path = "usr/lib/x86_64-linux-gnu/libthing.so.1"
    assert build.matches(path, [pattern]) is is_matched


def test_a_package_is_noted_with_the_hash_of_its_file(tmp_path: Path) -> None:
    control = tmp_path / "source/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: thing\nVersion: 1.0-1\nArchitecture: all\n"
        "Maintainer: nobody\nDescription: a thing\n"
    )
    (tmp_path / "source/etc").mkdir()
    (tmp_path / "source/etc/thing").touch()
    archive, tree = tmp_path / "thing.deb", tmp_path / "tree"
    build.run(["dpkg-deb", "--root-owner-group", "--build", str(tmp_path / "source"), str(archive)])

    build.unpack(archive, tree)

    fields = BytesParser().parsebytes((tree / build.STATUS / "thing").read_bytes())
    assert (fields["Package"], fields["Version"]) == ("thing", "1.0-1")
    assert fields["SHA256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (tree / "etc/thing").exists()


def test_documentation_goes_and_licences_stay(tree: Path) -> None:
    build.prune(tree, exclude=["usr/lib/*/gconv"], keep=[])

    assert files(tree) == {
        "usr/bin/link",
        "usr/bin/program",
        "usr/lib/x86_64-linux-gnu/libthing.so.1",
        "usr/share/doc/thing/copyright",
        "var/lib/dpkg/status.d/thing",
    }
    assert not (tree / "usr/share/man").exists()


def test_of_what_is_to_be_kept_nothing_else_stays(tree: Path) -> None:
    build.prune(tree, exclude=[], keep=["usr/bin/link"])

    assert files(tree) == {
        "usr/bin/link",
        "usr/share/doc/thing/copyright",
        "var/lib/dpkg/status.d/thing",
    }


def test_the_archive_depends_on_nothing_but_names_and_content(tree: Path, tmp_path: Path) -> None:
    (tree / "tmp").mkdir()
    archives = [tmp_path / "1.tar", tmp_path / "2.tar"]
    build.archive_tree(tree, {"tmp": "1777 1:2"}, 1_000_000, archives[0])
    for path in tree.rglob("*.so*"):
        path.touch()
    build.archive_tree(tree, {"tmp": "1777 1:2"}, 1_000_000, archives[1])

    assert archives[0].read_bytes() == archives[1].read_bytes()
    with tarfile.open(archives[0]) as archive:
        entries = {entry.name: entry for entry in archive}
    assert list(entries) == sorted(entries, key=Path)
    assert entries["usr/bin/program"].mode == 0o755, "it must not lend rights"
    assert entries["usr/bin/link"].linkname == "program"
    owned = entries["tmp"]
    assert (owned.mode, owned.uid, owned.gid, owned.mtime) == (0o1777, 1, 2, 1_000_000)


def test_a_machine_without_apt_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    with pytest.raises(SystemExit) as ended:
        build.require_programs()

    assert str(ended.value) == (
        "error: no root file system can be built on this machine\n"
        "  why:  it is made from Debian packages, and there is no apt-get and no dpkg-deb\n"
        "  hint: build the images on Debian (or in a Debian container with a Docker socket)"
    )
