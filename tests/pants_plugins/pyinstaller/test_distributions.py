"""Metadata goes in of what went in; what is there for PyInstaller alone stays out."""

from collections.abc import Mapping
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from pyinstaller.freezing.distributions import foreign_packages, metadata_of_contents


def install(folder: Path, name: str, files: Mapping[str, str]) -> Distribution:
    """Install a distribution of these files into a folder."""
    info = f"{name.replace('-', '_')}-1.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/licenses/LICENSE": "free",
        f"{info}/INSTALLER": "pip",
    }
    for path, text in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    record = folder / info / "RECORD"
    record.write_text("".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"]))
    return PathDistribution(folder / info)


@pytest.fixture
def installed(tmp_path: Path) -> list[Distribution]:
    return [
        install(tmp_path, "web-server", {"web/__init__.py": "", "web/loop.cpython-311.so": ""}),
        install(tmp_path, "never_used", {"never.py": "", "shared/ours.py": ""}),
        install(tmp_path, "builder", {"builder/__init__.py": "", "shared/theirs.py": ""}),
    ]


def test_one_file_inside_brings_the_metadata_of_its_distribution(
    tmp_path: Path, installed: list[Distribution]
) -> None:
    contents = [str(tmp_path / "web" / "loop.cpython-311.so"), "", "elsewhere.py"]

    assert metadata_of_contents(contents, installed) == [
        (f"web_server-1.dist-info/{name}", str(tmp_path / "web_server-1.dist-info" / name))
        for name in ("METADATA", "licenses/LICENSE")
    ]


def test_a_distribution_is_found_behind_links(
    tmp_path: Path, installed: list[Distribution]
) -> None:
    """An environment that PEX makes consists of links."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "web")

    assert metadata_of_contents([str(link / "__init__.py")], installed)


def test_what_is_not_required_is_foreign(installed: list[Distribution]) -> None:
    assert foreign_packages(["Web_Server", "never-used"], installed) == ["builder"]
    assert foreign_packages([], installed) == ["builder", "never", "shared", "web"]
