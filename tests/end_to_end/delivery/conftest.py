"""A team that took the repository over: a clone of it, a registry, a key, two targets."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import lent
from tests.cluster.layout import REGISTRY
from tests.end_to_end.delivery.targets import Containers, Pods, Target
from tests.end_to_end.kubernetes.namespace import Kubectl
from tests.end_to_end.policies import ALPHA, QUICK
from tests.workflows.acting import Acting, Ran, commit

# Of this run alone: somebody may use the declared ones on the same engine and cluster.
NAME = f"delivery-{os.getpid()}"
REPOSITORY = "https://github.com/example/shop"
PASSWORD = "of this test alone"


@dataclass(frozen=True)
class Team:
    """What a team has, and does: it changes the clone, and pushes.

    login: the kubeconfig of deploytool. targets: those that it deploys to, in this order.
    """

    clone: Path
    acting: Acting
    login: Path
    targets: Mapping[str, Target]

    def declare(self, **policy: Any) -> None:
        """Change the canary policy of all services."""
        system = self._system()
        for component in system["components"].values():
            if component["kind"] == "service":
                component["canary"] |= policy
        self._write("system.yaml", system)

    def declare_targets(self) -> None:
        """Add the targets: each demands all proofs, and that a release came by the one before."""
        declared = self._read("targets.yaml")
        before: dict[str, str] = {}
        for name, target in self.targets.items():
            proof = {
                "key": "keys/release.pub",
                "repository": REPOSITORY,
                "require": ["signature", "provenance", "sbom"],
                **before,
            }
            declared["targets"][name] = {**target.declared(declared["targets"]), "proof": proof}
            before = {"after": name}
        self._write("targets.yaml", declared)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the service that is replaced here."""
        system = self._system()
        system["components"]["new-microservice"]["environment"][name] = value
        self._write("system.yaml", system)

    def push(self, message: str) -> Ran:
        """Commit what was changed, and have main say so."""
        commit(self.clone, message)
        return self.acting.run("push", "release.yml")

    def release(self) -> dict[str, Any]:
        return dict(json.loads((self._released / "release.json").read_text()))

    def tool(self, target: str, *arguments: str) -> dict[str, Any]:
        """Run the released deploytool from the clone; return its result."""
        program = str(self._released / "deploytool.pex")
        done = subprocess.run(
            ["python3.11", program, *arguments, "--target", target, "--output", "json"],
            cwd=self.clone,
            env={
                **os.environ,
                "KUBECONFIG": str(self.login),
                "PATH": f"{self._released / 'bin'}{os.pathsep}{os.environ['PATH']}",
                # Where the jobs have unpacked it.
                "PEX_ROOT": str(self.acting.home / ".pex"),
            },
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def leave(self) -> None:
        """Take down what was deployed; see that nothing of it is left."""
        for name, target in self.targets.items():
            if self._released.exists():
                self.tool(name, "down", "--volumes", "--yes")
            assert target.is_empty(), name

    @property
    def _released(self) -> Path:
        return self.acting.artifacts / "release"

    def _system(self) -> Any:
        return self._read("system.yaml")

    def _read(self, name: str) -> Any:
        return yaml.safe_load((self.clone / "deploy" / name).read_text())

    def _write(self, name: str, content: Any) -> None:
        text = yaml.safe_dump(content, sort_keys=False)
        (self.clone / "deploy" / name).write_text(text)


def clone(repository: str, place: Path) -> None:
    """Clone a commit, PATH@COMMIT, as main."""
    path, _, commit = repository.rpartition("@")
    git = ("git", "-C", str(place))
    subprocess.run(["git", "clone", "--quiet", path, str(place)], check=True)
    subprocess.run([*git, "checkout", "--quiet", "-B", "main", commit], check=True)
    # act asks it for the name of the repository.
    subprocess.run([*git, "remote", "set-url", "origin", f"{REPOSITORY}.git"], check=True)


def make_key(folder: Path) -> tuple[str, Path]:
    """Return a private key, and the file of the public one."""
    subprocess.run(
        ["cosign", "generate-key-pair", "--output-key-prefix", "cosign"],
        cwd=folder,
        env={**os.environ, "COSIGN_PASSWORD": PASSWORD},
        check=True,
        capture_output=True,
    )
    return (folder / "cosign.key").read_text(), folder / "cosign.pub"


@pytest.fixture(scope="package")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team, with nothing released yet."""
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    if not os.environ.get("CLUSTER_FOR_TESTS") and not os.environ.get("KUBECONFIG"):
        pytest.skip("neither CLUSTER_FOR_TESTS nor KUBECONFIG is set: left out")
    repository = os.environ.get("REPOSITORY")
    if not repository:
        pytest.skip("REPOSITORY names no clone to work on: set it to PATH@COMMIT, as .ci/run does")
    place = tmp_path_factory.mktemp("team")
    # Each job has a copy of the clone, so what a target keeps on this machine is elsewhere.
    state = place / "state"
    with ExitStack() as stack:
        cluster = stack.enter_context(lent())
        clone(repository, place / "clone")
        deploy = place / "clone" / "deploy"
        login = place / "kubeconfig"
        registry = f"{REGISTRY}/{NAME}"
        production = Pods(Kubectl(cluster, NAME, place), registry, state / "production")
        stack.enter_context(production.made_for(deploy, login))
        key, public = make_key(place)
        (deploy / "keys").mkdir(exist_ok=True)
        shutil.copy(public, deploy / "keys" / "release.pub")
        secrets = {
            "SIGNING_KEY": key,
            "COSIGN_PASSWORD": PASSWORD,
            "KUBECONFIG": login.read_text(),
        }
        team = Team(
            place / "clone",
            Acting(place / "clone", place / "home", {"REGISTRY": registry}, secrets),
            login,
            {"staging": Containers(NAME, state / "staging"), "production": production},
        )
        team.declare_targets()
        team.declare(alpha=ALPHA, **QUICK)
        stack.callback(team.leave)
        yield team
