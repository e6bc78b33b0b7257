"""A team that took the repository over: a clone of it, a registry, a key, two targets."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import registry
from tests.end_to_end.policies import ALPHA, QUICK
from tests.workflows.acting import Acting, Ran, commit

TARGETS = ("staging", "production")
# Of this run alone: somebody may use the declared ones on the same engine.
PROJECT = f"test-{os.getpid()}"
LABEL = "com.docker.compose"
REPOSITORY = "https://github.com/example/shop"
PASSWORD = "of this test alone"


@dataclass
class Team:
    """What a team has, and does: it changes the clone, and pushes."""

    place: Path
    registry: str
    acting: Acting = field(init=False)

    def __post_init__(self) -> None:
        self.acting = Acting(
            self.clone,
            self.place / "home",
            variables={"REGISTRY": self.registry},
            secrets={"SIGNING_KEY": self._make_key(), "COSIGN_PASSWORD": PASSWORD},
        )

    @property
    def clone(self) -> Path:
        return self.place / "clone"

    def take_over(self, repository: str) -> None:
        """Clone a commit, PATH@COMMIT, and add the settings of this team."""
        path, _, commit = repository.rpartition("@")
        git = ("git", "-C", str(self.clone))
        subprocess.run(["git", "clone", "--quiet", path, str(self.clone)], check=True)
        subprocess.run([*git, "checkout", "--quiet", "-B", "main", commit], check=True)
        # act asks it for the name of the repository.
        subprocess.run([*git, "remote", "set-url", "origin", f"{REPOSITORY}.git"], check=True)
        (self.clone / "deploy" / "keys").mkdir(exist_ok=True)
        shutil.copy(self.place / "cosign.pub", self.clone / "deploy" / "keys" / "release.pub")
        self._declare_targets()
        self.declare(alpha=ALPHA, **QUICK)

    def declare(self, **policy: Any) -> None:
        """Change the canary policy of all services."""
        system = self._system()
        for component in self._services(system):
            component["canary"] |= policy
        self._write(system)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the service that is replaced here."""
        system = self._system()
        system["components"]["new-microservice"]["environment"][name] = value
        self._write(system)

    def push(self, message: str) -> Ran:
        """Commit what was changed, and have main say so."""
        commit(self.clone, message)
        return self.acting.run("push", "release.yml")

    def release(self) -> dict[str, Any]:
        return dict(json.loads((self.acting.artifacts / "release/release.json").read_text()))

    def running(self, target: str) -> dict[str, str]:
        """Return the image of each container of a target, as the engine was told it."""
        found = docker(
            "ps", "--quiet", f"--filter=label={LABEL}.project={PROJECT}-{target}"
        ).split()
        containers = json.loads(docker("inspect", *found)) if found else []
        return {
            each["Config"]["Labels"][f"{LABEL}.service"]: each["Config"]["Image"]
            for each in containers
        }

    def tool(self, target: str, *arguments: str) -> dict[str, Any]:
        """Run the released deploytool from the clone; return its result."""
        program = self.acting.artifacts / "release" / "deploytool.pex"
        done = subprocess.run(
            ["python3.11", str(program), *arguments, "--target", target, "--output", "json"],
            cwd=self.clone,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def _make_key(self) -> str:
        subprocess.run(
            ["cosign", "generate-key-pair", "--output-key-prefix", "cosign"],
            cwd=self.place,
            env={**os.environ, "COSIGN_PASSWORD": PASSWORD},
            check=True,
            capture_output=True,
        )
        return (self.place / "cosign.key").read_text()

    def _declare_targets(self) -> None:
        file = self.clone / "deploy" / "targets.yaml"
        declared = yaml.safe_load(file.read_text())
        for target in TARGETS:
            declared["targets"][target] = {
                **declared["targets"]["compose"],
                "state": str(self.place / target),
                "project": f"{PROJECT}-{target}",
                "proof": {
                    "key": "keys/release.pub",
                    "repository": REPOSITORY,
                    "require": ["signature", "provenance", "sbom"],
                    **({"after": "staging"} if target == "production" else {}),
                },
            }
        file.write_text(yaml.safe_dump(declared, sort_keys=False))

    def _system(self) -> Any:
        return yaml.safe_load((self.clone / "deploy" / "system.yaml").read_text())

    def _services(self, system: Any) -> list[Any]:
        return [each for each in system["components"].values() if each["kind"] == "service"]

    def _write(self, system: Any) -> None:
        text = yaml.safe_dump(system, sort_keys=False)
        (self.clone / "deploy" / "system.yaml").write_text(text)


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="package")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team, with nothing released yet."""
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    repository = os.environ.get("REPOSITORY")
    if not repository:
        pytest.skip("REPOSITORY names no clone to work on: set it to PATH@COMMIT, as .ci/run does")
    place = tmp_path_factory.mktemp("team")
    with registry.serving(place) as address:
        team = Team(place, address)
        team.take_over(repository)
        try:
            yield team
        finally:
            for target in TARGETS:
                if (place / target).exists():
                    team.tool(target, "down", "--volumes", "--yes")
    assert not docker("ps", "--all", "--quiet", f"--filter=name={PROJECT}")
