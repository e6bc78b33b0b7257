"""What is refused of a release, by the command line itself, and that a refusal changes nothing.

A real registry, a real cosign and a real engine, on which nothing is started.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploytool.cli.main import main
from deploytool.record.file_store import FileStore
from deploytool.record.store import DeployedRelease, Holder, TargetState
from deploytool.system.release import read_release
from deploytool.system.revision import revision_of
from tests.registry import serving
from tests.releases import COMMIT, REPOSITORY, Keys, content, prove, published, write_signed

NAMES = ("database", "gateway", "new-microservice", "legacy-app", "migrations")
# Of this run alone: somebody may use the engine for the same.
PROJECT = f"test-{os.getpid()}-release"
REQUIRED = ["signature", "provenance", "sbom"]


@dataclass(frozen=True)
class Place:
    """A registry with a proved image for each name, and the keys to them."""

    registry: str
    keys: Keys
    others: Keys
    images: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    folder = tmp_path_factory.mktemp("place")
    with serving(folder) as registry:
        keys = Keys(folder / "keys")
        images = {name: published(registry, name) for name in NAMES}
        for image in images.values():
            prove(image, keys)
        yield Place(registry, keys, Keys(folder / "others"), images)


@dataclass
class Repository:
    """A repository of which production demands proof, and comes after staging.

    call: runs a command; returns its exit code and its result.
    """

    root: Path
    place: Place
    call: Callable[..., tuple[int, dict[str, Any]]]

    def release(self, **changes: Any) -> Path:
        """Write a release, signed."""
        wanted = {**content(self.place.images), **changes}
        return write_signed(self.root / "release.json", wanted, self.place.keys)

    def with_image(self, name: str, image: str) -> Path:
        return self.release(images=content({**self.place.images, name: image})["images"])

    def store(self, target: str) -> FileStore:
        return FileStore(self.root / ".deploytool" / target)

    def promoted_on_staging(self, file: Path) -> None:
        digest = read_release(file).digest
        self.store("staging").save(TargetState(promoted=(_deployed(digest),)))

    def kept(self) -> dict[str, bytes]:
        """Return all that the targets remember, file by file."""
        files = (each for each in (self.root / ".deploytool").rglob("*") if each.is_file())
        return {str(each): each.read_bytes() for each in files}


@pytest.fixture
def repository(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Repository]:
    shutil.copytree("deploy", tmp_path / "deploy")
    targets = tmp_path / "deploy" / "targets.yaml"
    declared = yaml.safe_load(targets.read_text())["targets"]
    compose = {**declared["compose"], "project": PROJECT}
    proof = {"key": "keys/release.pub", "repository": REPOSITORY, "require": REQUIRED}
    staging = {**compose, "state": ".deploytool/staging"}
    production = {
        **compose,
        "state": ".deploytool/production",
        "proof": {**proof, "after": "staging"},
    }
    named = {"local": declared["local"], "staging": staging, "production": production}
    targets.write_text(yaml.safe_dump({"targets": named}, sort_keys=False))
    (tmp_path / "deploy" / "keys").mkdir()
    shutil.copy(place.keys.public, tmp_path / "deploy" / "keys" / "release.pub")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEPLOYTOOL_ARTIFACTS", raising=False)

    def call(*arguments: str, target: str = "production") -> tuple[int, dict[str, Any]]:
        argv = ["deploytool", "--target", target, "--output", "json", *arguments]
        monkeypatch.setattr("sys.argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, dict(json.loads(capsys.readouterr().out.splitlines()[-1]))

    repository = Repository(tmp_path, place, call)
    stable = {name: revision_of(name, "running", {}) for name in ("new-microservice", "legacy-app")}
    repository.store("production").save(TargetState(stable=stable))
    yield repository
    assert _containers() == ""


def refused(
    repository: Repository, code: int, words: str, *arguments: str, target: str = "production"
) -> dict[str, Any]:
    """Run a command that is refused; see that it says why, and that all is as it was."""
    before = repository.kept()
    found, told = repository.call(*arguments, target=target)
    assert found == code, told
    assert all(told[part] for part in ("what", "why", "hint")), told
    assert words in f"{told['what']}: {told['why']}", told
    assert repository.kept() == before
    return told


COMMANDS = [("up",), ("plan",), ("canary",), ("canary", "--supersede")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_target_that_demands_proof_takes_no_build(
    repository: Repository, command: tuple[str, ...]
) -> None:
    told = refused(repository, 2, "takes no build of this machine", *command)
    assert "--release FILE" in told["hint"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_all_commands_verify_before_anything_else(
    repository: Repository, command: tuple[str, ...]
) -> None:
    bare = published(repository.place.registry, "new-microservice", "unsigned")
    file = repository.with_image("new-microservice", bare)
    repository.promoted_on_staging(file)
    refused(repository, 1, "is not signed as demanded", *command, "--release", str(file))


@pytest.mark.parametrize(
    ("changes", "words", "line"),
    [
        ({"format": 7}, "is of format 7", 2),
        ({"system": "other"}, "is one of the system 'other'", 3),
        ({"repository": "https://example.org/fork"}, "was made of another repository", 4),
        ({"commit": "main"}, "commit is not valid", 5),
        ({"images": {}}, "images is not valid", 6),
    ],
    ids=str,
)
def test_a_file_that_is_none_of_this_target_is_refused_with_its_line(
    repository: Repository, changes: dict[str, Any], words: str, line: int
) -> None:
    file = repository.release(**changes)
    told = refused(repository, 2, words, "up", "--release", str(file))
    assert told["place"] == f"{file}:{line}"


def test_a_file_that_is_no_json_is_refused(repository: Repository) -> None:
    file = repository.release()
    file.write_text("images:\n")
    refused(repository, 2, "is not JSON", "up", "--release", str(file))
    refused(repository, 2, "cannot be read", "up", "--release", "none.json")


def test_a_component_that_is_lacking_or_unknown_is_named(repository: Repository) -> None:
    images = dict(repository.place.images)
    for name in NAMES:
        without = {key: image for key, image in images.items() if key != name}
        file = repository.release(images=content(without)["images"])
        refused(repository, 2, f"has no image of {name}:", "up", "--release", str(file))
    file = repository.with_image("another", images["gateway"])
    refused(repository, 2, "an image of another, which is unknown", "up", "--release", str(file))


def test_a_wrong_signature_of_the_file_is_refused(repository: Repository) -> None:
    file = repository.release()
    repository.promoted_on_staging(file)
    file.write_text(file.read_text().replace('"t1"', '"t2"', 1))
    refused(repository, 2, "the signature of the release file", "up", "--release", str(file))
    repository.place.others.sign_file(file)
    refused(repository, 2, "the signature of the release file", "up", "--release", str(file))
    Path(f"{file}.bundle").unlink()
    refused(repository, 2, "release.json.bundle is missing", "up", "--release", str(file))


def test_a_digest_that_the_registry_lacks_is_refused_on_each_target(repository: Repository) -> None:
    image = f"{repository.place.images['gateway'].partition('@')[0]}@sha256:{'0' * 64}"
    file = repository.with_image("gateway", image)
    repository.promoted_on_staging(file)
    for target in ("staging", "production"):
        words = f"the registry lacks {image}"
        refused(repository, 2, words, "up", "--release", str(file), target=target)


def test_an_image_of_another_key_or_commit_or_without_attestation_is_refused(
    repository: Repository,
) -> None:
    place = repository.place

    def image(text: str) -> str:
        return published(place.registry, "new-microservice", text)

    def is_refused(image: str, words: str) -> None:
        file = repository.with_image("new-microservice", image)
        repository.promoted_on_staging(file)
        refused(repository, 1, words, "up", "--release", str(file))

    prove(other := image("another key"), place.others)
    is_refused(other, "demanded is")
    prove(other := image("another commit"), place.keys, commit="0" * 40)
    is_refused(other, "new-microservice: the provenance of")
    place.keys.sign(other := image("signed alone"))
    is_refused(other, "has no attestation")


def test_where_nothing_can_be_checked_nothing_is_accepted(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = {name: f"127.0.0.1:1/{image.partition('/')[2]}" for name, image in _of(repository)}
    file = repository.release(images=content(away)["images"])
    repository.promoted_on_staging(file)
    refused(repository, 1, "connection refused", "up", "--release", str(file))
    file = repository.release()
    repository.promoted_on_staging(file)
    programs = tmp_path / "programs"
    programs.mkdir()
    docker = shutil.which("docker")
    assert docker is not None
    (programs / "docker").symlink_to(docker)
    with monkeypatch.context() as without:
        without.setenv("PATH", str(programs))
        refused(repository, 1, "cosign is missing", "up", "--release", str(file))


def test_a_release_comes_after_the_target_that_is_named(repository: Repository) -> None:
    file = repository.release()
    words = "has not ended promoted on staging: production comes after it, and "
    release = ("--release", str(file))
    refused(repository, 2, f"{words}no release is promoted there", "up", *release)
    staging = repository.store("staging")
    digest = read_release(file).digest
    staging.save(TargetState(release=_deployed(digest)))
    refused(repository, 2, f"{words}there it is on its way", "up", *release)
    staging.save(TargetState(promoted=(_deployed("0" * 64),)))
    refused(repository, 2, f"{words}the latest there is 000000000000", "up", *release)
    repository.promoted_on_staging(file)
    before = repository.kept()
    code, plan = repository.call("plan", *release)
    assert code == 3, plan
    assert repository.kept() == before


def test_plain_processes_run_no_release(repository: Repository) -> None:
    file = repository.release()
    refused(repository, 2, "local runs no images", "up", "--release", str(file), target="local")


def test_a_key_that_is_missing_is_named(repository: Repository) -> None:
    (repository.root / "deploy" / "keys" / "release.pub").unlink()
    file = repository.release()
    refused(repository, 2, "the key of the proof", "plan", "--release", str(file))


@pytest.mark.parametrize("command", ["up", "canary"])
def test_another_operation_is_not_disturbed(repository: Repository, command: str) -> None:
    file = repository.release()
    repository.promoted_on_staging(file)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(user="ada", host="here", pid=1, command="canary", run="r1", since=now)
    with repository.store("production").lock(holder):
        refused(repository, 6, "ada", command, "--release", str(file))


def test_the_record_says_which_release_was_taken(repository: Repository) -> None:
    file = repository.release()
    repository.promoted_on_staging(file)
    repository.call("plan", "--release", str(file))
    log = (repository.root / "logs" / "operations.log").read_text().splitlines()
    [told] = [line for line in map(json.loads, log) if line.get("event") == "release"]
    assert told["details"]["digest"] == read_release(file).digest
    assert told["details"]["commit"] == COMMIT
    assert set(told["details"]["images"]) == set(NAMES)


def _of(repository: Repository) -> list[tuple[str, str]]:
    return list(repository.place.images.items())


def _deployed(digest: str) -> DeployedRelease:
    return DeployedRelease(
        digest=digest, commit=COMMIT, revisions={}, images={}, since="2026-11-24T07:55:00+00:00"
    )


def _containers() -> str:
    label = f"--filter=label=com.docker.compose.project={PROJECT}"
    done = subprocess.run(
        ["docker", "ps", "--all", "--quiet", label], capture_output=True, text=True, check=True
    )
    return done.stdout
