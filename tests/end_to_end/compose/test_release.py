"""A release goes from one target to the next by its digests; what is not proved goes nowhere."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploytool.record.file_store import FileStore
from deploytool.record.store import TargetState
from deploytool.system.release import content_digest, read_release
from tests.end_to_end.compose.conftest import LABEL, PROJECT, Deploytool, docker
from tests.end_to_end.deployed import COMPONENT, Ended
from tests.registry import serving
from tests.releases import BILL, COMMIT, REPOSITORY, Keys, moved_proofs, prove, write_signed

STAGING, PRODUCTION = "compose", "production"
PROJECTS = {STAGING: f"{PROJECT}-staging", PRODUCTION: f"{PROJECT}-production"}


@dataclass
class Line:
    """Two targets, one after the other, and the releases that were made for them.

    Everything but a push is run as by a packaged deploytool that was handed over nothing.
    """

    tool: Deploytool
    registry: str
    keys: Keys
    releases: dict[str, Path] = field(default_factory=dict)

    def run(self, target: str, *arguments: str) -> Ended:
        return self.tool.run("--target", target, *arguments, DEPLOYTOOL_ARTIFACTS="")

    def done(self, target: str, *arguments: str) -> Ended:
        ended = self.run(target, *arguments)
        assert ended.code == 0, str(ended)
        return ended

    def deploy(self, target: str, command: str, release: str) -> Ended:
        return self.run(target, command, "--release", str(self.releases[release]))

    def state(self, target: str) -> TargetState:
        return FileStore(self.tool.root / ".deploytool" / target).load()

    def running(self, target: str) -> dict[str, str]:
        """Return service -> the name by which its container's image was chosen."""
        label = f"--filter=label={LABEL}.project={PROJECTS[target]}"
        ids = docker("ps", "--quiet", label).split()
        found = json.loads(docker("inspect", *ids)) if ids else []
        configs = [each["Config"] for each in found]
        return {each["Labels"][f"{LABEL}.service"]: each["Image"] for each in configs}

    def released(self, release: str, *names: str) -> dict[str, str]:
        images = read_release(self.releases[release]).release.images
        return {name: images[name].image for name in names}

    def push(self, release: str) -> None:
        """Push what was built; prove and sign it."""
        file = self.tool.root / f"{release}.json"
        pushed = self.tool.run(
            *("--target", STAGING, "push", self.registry, "--file", str(file)),
            IMAGE_SOURCE=REPOSITORY,
            IMAGE_REVISION=COMMIT,
        )
        assert pushed.code == 0, str(pushed)
        content = json.loads(file.read_text())
        for image in {each["image"] for each in content["images"].values()}:
            prove(image, self.keys)
        for each in content["images"].values():
            each["sbom"] = content_digest(BILL)
        self.releases[release] = write_signed(file, content, self.keys)

    def derive(self, release: str, *, is_proved: bool) -> None:
        """Make a release of which one component is another image that does the same."""
        content: dict[str, Any] = json.loads(self.releases["first"].read_text())
        component = content["images"][COMPONENT]
        # Of a name that no other test has, as it is to be removed.
        name = f"{self.registry}/{COMPONENT}:{release}"
        dockerfile = f"FROM {component['image']}\nLABEL test={release}\n"
        subprocess.run(
            ["docker", "build", "--quiet", f"--tag={name}", "-"],
            input=dockerfile.encode(),
            check=True,
            capture_output=True,
        )
        docker("push", "--quiet", name)
        [image] = json.loads(docker("inspect", name))[0]["RepoDigests"]
        docker("image", "rm", "--no-prune", name)
        content["images"][COMPONENT] = {**component, "image": image, "tag": release}
        if is_proved:
            prove(image, self.keys)
        path = self.tool.root / f"{release}.json"
        self.releases[release] = write_signed(path, content, self.keys)


@pytest.fixture(scope="module")
def line(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line")
    tool = Deploytool(folder / "repository")
    tool.make()
    keys = Keys(folder / "keys")
    declare(tool.root / "deploy" / "targets.yaml", keys)
    with serving(folder) as registry:
        line = Line(tool, registry, keys)
        line.push("first")
        line.derive("second", is_proved=True)
        line.derive("unsigned", is_proved=False)
        try:
            yield line
        finally:
            ended = [line.run(target, "down", "--volumes", "--yes") for target in PROJECTS]
            # By these names alone: under others the same images stay.
            form = "{{.Repository}}@{{.Digest}}"
            pulled = docker("images", "--digests", f"--format={form}", f"{registry}/*").split()
            if pulled:
                docker("image", "rm", *set(pulled))
        assert [each.code for each in ended] == [0, 0], ended


def declare(targets: Path, keys: Keys) -> None:
    """Let both targets demand proof, and the one come after the other."""
    declared = yaml.safe_load(targets.read_text())
    compose = declared["targets"][STAGING]
    proof = {
        "key": str(keys.public),
        "repository": REPOSITORY,
        "require": ["signature", "provenance", "sbom"],
    }
    declared["targets"] = {
        STAGING: {**compose, "project": PROJECTS[STAGING], "proof": proof},
        PRODUCTION: {
            **compose,
            "state": f".deploytool/{PRODUCTION}",
            "project": PROJECTS[PRODUCTION],
            "proof": {**proof, "after": STAGING},
        },
    }
    targets.write_text(yaml.safe_dump(declared, sort_keys=False))


SERVICES = ("database", "gateway", COMPONENT, "legacy-app")


def test_both_targets_run_the_digests_of_the_file_and_nothing_that_was_built_here(
    line: Line,
) -> None:
    refused = line.tool.run("--target", STAGING, "up")
    assert refused.code == 2, str(refused)
    assert "takes no build of this machine" in refused.errors
    early = line.deploy(PRODUCTION, "up", "first")
    assert early.code == 2, str(early)
    assert "has not ended promoted on compose" in early.errors
    assert (line.running(STAGING), line.running(PRODUCTION)) == ({}, {})
    for target in (STAGING, PRODUCTION):
        ended = line.deploy(target, "up", "first")
        assert ended.code == 0, str(ended)
        assert line.running(target) == line.released("first", *SERVICES)
        assert line.deploy(target, "plan", "first").code == 0


def test_a_canary_of_a_release_is_promoted_and_the_next_target_takes_it(line: Line) -> None:
    early = line.deploy(PRODUCTION, "up", "second")
    assert early.code == 2, str(early)
    canary = line.deploy(STAGING, "canary", "second")
    assert canary.code == 0, str(canary)
    assert "promoted" in canary.output
    assert line.state(STAGING).promoted[0].digest == read_release(line.releases["second"]).digest
    ended = line.deploy(PRODUCTION, "up", "second")
    assert ended.code == 0, str(ended)
    for target in (STAGING, PRODUCTION):
        assert line.running(target) == line.released("second", *SERVICES)


def test_an_image_without_a_signature_changes_nothing(line: Line) -> None:
    before = line.state(STAGING), line.running(STAGING)
    for command in ("up", "canary"):
        refused = line.deploy(STAGING, command, "unsigned")
        assert refused.code == 1, str(refused)
        assert "is not signed as demanded" in refused.errors
    assert (line.state(STAGING), line.running(STAGING)) == before


def test_a_rollback_goes_to_the_release_before_as_long_as_that_is_proved(line: Line) -> None:
    line.done(PRODUCTION, "rollback", COMPONENT)
    assert line.running(PRODUCTION) == line.released("first", *SERVICES)
    left = line.state(PRODUCTION).earlier[COMPONENT][0]
    [second] = line.released("second", COMPONENT).values()
    moved_proofs(line.registry, line.released("first", COMPONENT)[COMPONENT], second)
    before = line.state(PRODUCTION), line.running(PRODUCTION)
    refused = line.run(PRODUCTION, "rollback", COMPONENT, "--to", left.id)
    assert refused.code == 1, str(refused)
    assert "is not signed as demanded" in refused.errors
    assert "nothing was changed" in refused.errors
    assert (line.state(PRODUCTION), line.running(PRODUCTION)) == before
