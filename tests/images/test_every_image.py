"""What holds of all images: nobody in them is root, has a shell, or could become more."""

import gzip
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from docker.models.images import Image

from tests.images.conftest import PACKAGES
from tests.images.contents import Contents

SHELLS = {"ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "sh", "tcsh", "zsh"}
# The database's starts PostgreSQL's server and nothing else: tried in test_database.py.
NO_SHELL = {"database": {"sh"}}
LARGEST_MB = {"new-microservice": 44, "legacy-app": 90, "migrations": 40, "database": 130}
LARGEST_PACKED_MB = {"new-microservice": 20, "legacy-app": 32}

every_image = pytest.mark.parametrize("component", sorted(PACKAGES))


@every_image
def test_the_user_is_not_root(images: Mapping[str, Image], component: str) -> None:
    assert images[component].attrs["Config"]["User"] == "65532:65532"


@every_image
def test_the_labels_say_what_it_is_and_of_what(images: Mapping[str, Image], component: str) -> None:
    labels = images[component].labels

    assert labels["org.opencontainers.image.title"] == component
    assert labels["org.opencontainers.image.source"]
    assert labels["org.opencontainers.image.revision"]
    assert re.fullmatch("[0-9a-f]{64}", labels["org.opencontainers.image.version"])


@every_image
def test_the_tags_are_the_content_and_one_for_people(
    images: Mapping[str, Image], component: str
) -> None:
    # Others are of those who push it.
    own = [tag for tag in images[component].tags if tag.startswith(f"{component}:")]
    content, people = sorted(tag.removeprefix(f"{component}:") for tag in own)

    assert re.fullmatch("[0-9a-f]{64}", content)
    assert people == "local"


@every_image
def test_there_is_no_shell(contents: Callable[[str], Contents], component: str) -> None:
    assert contents(component).programs() & SHELLS == NO_SHELL.get(component, set())


@every_image
def test_no_file_lends_rights(contents: Callable[[str], Contents], component: str) -> None:
    assert [
        path
        for path, entry in contents(component).entries.items()
        if not entry.issym() and entry.mode & 0o6000
    ] == []


@every_image
def test_only_folders_for_data_belong_to_the_user(
    contents: Callable[[str], Contents], component: str
) -> None:
    owned = {path for path, entry in contents(component).entries.items() if entry.uid or entry.gid}

    assert owned <= {"home/nonroot", "var/lib/postgresql/data"}


@every_image
def test_no_file_has_a_time_of_its_build(
    contents: Callable[[str], Contents], component: str
) -> None:
    """Else the same content would not be the same layer."""
    assert len({entry.mtime for entry in contents(component).entries.values()}) <= 2


def test_the_service_on_scratch_has_no_python(contents: Callable[[str], Contents]) -> None:
    programs = contents("new-microservice").programs()

    assert not [name for name in programs if re.fullmatch(r"python[\d.]*", name)]


@pytest.mark.parametrize("component", sorted(LARGEST_MB))
def test_it_is_no_larger_than_declared(images: Mapping[str, Image], component: str) -> None:
    assert images[component].attrs["Size"] <= LARGEST_MB[component] * 1e6


@pytest.mark.parametrize("component", sorted(LARGEST_PACKED_MB))
def test_it_is_no_larger_than_declared_when_packed(
    archives: Callable[[str], Path], tmp_path: Path, component: str
) -> None:
    packed = tmp_path / "packed"
    with archives(component).open("rb") as archive, gzip.open(packed, "wb", 6) as written:
        while chunk := archive.read(1 << 20):
            written.write(chunk)

    assert os.stat(packed).st_size <= LARGEST_PACKED_MB[component] * 1e6  # noqa: PTH116
