"""The bill of materials of each image lists what the image really holds: no more, no less."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from email.parser import BytesParser
from pathlib import Path

import pytest

from tests.images.conftest import PACKAGES, package
from tests.images.contents import Contents

METADATA = re.compile(r".*/([^/]+)\.dist-info/METADATA")

Bill = dict[str, set[tuple[str, str]]]


@pytest.fixture(scope="session")
def bill(
    archives: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Bill]:
    """List name and version of what syft finds in an image, by kind."""
    known: dict[str, Bill] = {}
    home = tmp_path_factory.mktemp("syft")

    def listed(component: str) -> Bill:
        if component not in known:
            syft = package("3rdparty.python/syft.pex").resolve()
            archive = f"docker-archive:{archives(component)}"
            done = subprocess.run(
                [syft, "scan", archive, "--output=syft-json", "--quiet"],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(home),
                    "SYFT_CHECK_FOR_APP_UPDATE": "false",
                },
                check=True,
                capture_output=True,
            )
            bill: Bill = {}
            for artifact in json.loads(done.stdout)["artifacts"]:
                if artifact["foundBy"] == "elf-binary-package-cataloger":
                    continue  # a library's own word for the source of its package
                entry = (artifact["name"], artifact["version"])
                bill.setdefault(artifact["type"], set()).add(entry)
            known[component] = bill
        return known[component]

    return listed


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(contents: Contents) -> set[tuple[str, str]]:
    """Return the Python distributions whose metadata the image holds."""
    found = set()
    for path, text in contents.texts.items():
        if METADATA.fullmatch(path):
            fields = BytesParser().parsebytes(text, headersonly=True)
            found.add((normal(fields["Name"]), fields["Version"]))
    return found


def debian_packages(contents: Contents) -> set[tuple[str, str]]:
    found = set()
    for name in contents.below("var/lib/dpkg/status.d"):
        fields = BytesParser().parsebytes(contents.texts[f"var/lib/dpkg/status.d/{name}"])
        found.add((fields["Package"], fields["Version"]))
    return found


@pytest.mark.parametrize("component", sorted(PACKAGES))
def test_debian_packages_are_those_that_were_unpacked(
    contents: Callable[[str], Contents], bill: Callable[[str], Bill], component: str
) -> None:
    assert bill(component)["deb"] == debian_packages(contents(component))


@pytest.mark.parametrize("component", sorted(PACKAGES))
def test_python_distributions_are_those_that_are_installed(
    contents: Callable[[str], Contents], bill: Callable[[str], Bill], component: str
) -> None:
    listed = {(normal(name), version) for name, version in bill(component).get("python", set())}

    assert listed == distributions(contents(component))


@pytest.mark.parametrize(
    ("component", "some"),
    [
        ("legacy-app", {"fastapi", "jinja2", "psycopg", "uvicorn"}),
        ("new-microservice", {"fastapi", "psycopg", "uvicorn"}),
    ],
)
def test_what_a_service_imports_is_listed(
    bill: Callable[[str], Bill], component: str, some: set[str]
) -> None:
    assert some <= {normal(name) for name, _ in bill(component)["python"]}


@pytest.mark.parametrize(
    ("component", "module"),
    [("gateway", "github.com/traefik/traefik/v3"), ("migrations", "github.com/amacneil/dbmate/v2")],
)
def test_a_program_in_go_is_listed_with_its_modules(
    bill: Callable[[str], Bill], component: str, module: str
) -> None:
    assert module in {name for name, _ in bill(component)["go-module"]}
    assert set(bill(component)) <= {"deb", "go-module", "binary"}
