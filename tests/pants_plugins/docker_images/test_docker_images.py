"""Images are named by content alone, and deployed without building what the engine has."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.pants_plugins.repositories import Repository

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = [
  "pants.backend.docker", "pants.backend.python", "deployment", "docker_images",
]

[python]
interpreter_constraints = ["CPython==3.11.*"]

[docker]
env_vars = ["DOCKER_BUILDKIT=0"]
"""

TARGETS = """
python_sources(name="src")
pex_binary(name="tool", entry_point="tool.py")
deployment(name="deploy", tool=":tool", packages={"local": {"app": "images:app"}})
"""

# NAME stands for one that nothing else on the engine has.
IMAGES = """
files(name="lower", sources=["lower.txt"])
files(name="upper", sources=["upper.txt"])
docker_image(
    name="base", repository="NAME-base", image_tags=[],
    instructions=["FROM scratch", "COPY images/lower.txt /"], dependencies=[":lower"],
)
docker_image(
    name="app", repository="NAME-app", image_tags=[],
    instructions=["ARG BASE=images:base", "FROM $BASE", "COPY images/upper.txt /"],
    dependencies=[":upper"],
)
"""

TOOL = """
import json
import os
from pathlib import Path

built = Path(json.loads(os.environ["DEPLOYTOOL_ARTIFACTS"])["app"])
print(json.dumps(json.loads(built.read_text())["registries"][0]["tags"]))
"""

BUILDS = "Building docker image"


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def name() -> Iterator[str]:
    """A name for images; they are removed at the end."""
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip(
            "left out: a Docker engine builds the images; with one, run "
            "`DOCKER_ENGINE=1 ./pants test tests/pants_plugins::`"
        )
    name = f"test-{uuid4().hex[:8]}"
    yield name
    remove(name)


def remove(name: str) -> None:
    references = docker(
        "image", "ls", f"--filter=reference={name}-*", "--format={{.Repository}}:{{.Tag}}"
    ).split()
    if references:
        docker("image", "rm", *references)


def repository(root: Path, name: str) -> Repository:
    files = {
        "pants.toml": SETTINGS,
        "BUILD": TARGETS,
        "tool.py": TOOL,
        "images/BUILD": IMAGES.replace("NAME", name),
        "images/upper.txt": "upper",
        "images/lower.txt": "lower",
    }
    return Repository(root, files, plugins=("deployment", "docker_images"))


def deploy(repository: Repository) -> tuple[list[str], str]:
    """Run the deployment; return the names of the image it was given, and what Pants said."""
    done = repository.pants("run", ":deploy")
    assert done.returncode == 0, done.stderr
    return [tag["name"] for tag in json.loads(done.stdout)], done.stderr


def test_images_are_named_by_content_and_built_only_when_missing(name: str, tmp_path: Path) -> None:
    with repository(tmp_path / "one", name) as one, repository(tmp_path / "other", name) as other:
        names, said = deploy(one)
        assert said.count(f"Completed: {BUILDS}") == 2
        assert [each.partition(":")[0] for each in names] == [f"{name}-app"] * 2
        assert names[1].endswith(":local")
        assert len(docker("image", "ls", "--quiet", *names[:1]).split()) == 1

        again, said = deploy(one)
        assert again == names
        assert BUILDS not in said

        remove(name)  # built anew they have other ids, as on another machine
        elsewhere, said = deploy(other)
        assert elsewhere == names
        assert said.count(f"Completed: {BUILDS}") == 2

        other.write("images/lower.txt", "another base")
        changed, said = deploy(other)
        assert changed[0] != names[0]
        assert said.count(f"Completed: {BUILDS}") == 2

        # The engine has the image of before, but `local` stands for another one.
        reverted, said = deploy(one)
        assert reverted == names
        assert f"Completed: {BUILDS} {names[0]}" in said
