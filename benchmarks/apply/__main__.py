"""How long the first apply takes until everything serves, and one that changes nothing.

    python3.11 -m benchmarks.apply [ROUNDS]

The anchor is `kubectl apply -k`, `kubectl rollout status` and `kubectl wait` on the same manifests,
on the same cluster, in turns with `deploytool up`; who begins changes from round to round. Each of
the ROUNDS (3) has a new namespace for either; a round before them, which does not count, brings
the images to the node. For kubectl the namespace and its Secrets are there already, deploytool
makes its own. Ready is when both apps answer through the gateway. Then both are repeated without a
change, in turns.

deploytool is the packaged file, run as users of a release run it, and shares the kubectl in PATH.
Needs KUBECONFIG, an engine of Docker and what `./pants package ::` makes. Fails when a limit is
missed.
"""

import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DIST = ROOT / "dist"
TOOL = DIST / "src.python.deploytool/binary.pex"
IMAGES = {
    "legacy-app": "src.python.legacy_app/image.docker-info.json",
    "new-microservice": "src.python.new_microservice/image.docker-info.json",
    "database": "3rdparty.images.database/database.docker-info.json",
    "gateway": "3rdparty.images.gateway/gateway.docker-info.json",
    "migrations": "deploy.database/migrations.docker-info.json",
}
WORKLOADS = (
    "statefulset/database", "deployment/gateway", "deployment/new-microservice",
    "deployment/legacy-app",
)  # fmt: skip
PATHS = ("/api/v2/v1/stock", "/app/api/products")
OVERLAY = Path("deploy/kubernetes/overlays/local")
ROUNDS = 3
# Of each round: they take seconds.
UNCHANGED = 5
READY_S = 180.0
LIMIT = 1.0


@dataclass
class Side(ABC):
    """One of the two rivals, in a folder and a namespace of its own. url: of its gateway."""

    namespace: str
    folder: Path
    url: str
    first: list[float] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)

    @abstractmethod
    def prepare(self) -> None:
        """Make what is there before the clock runs."""

    @abstractmethod
    def apply(self) -> None:
        """Bring everything about, and wait for it."""

    def clean(self) -> None:
        """Delete all of it but the GatewayClass, which others use."""
        name = f"{self.namespace}-gateway"
        kubectl("delete", "--ignore-not-found", f"clusterrolebinding/{name}", f"clusterrole/{name}")
        kubectl("delete", "--ignore-not-found", f"namespace/{self.namespace}")


class Kubectl(Side):
    """The anchor."""

    def prepare(self) -> None:
        namespace = (self.folder / "deploy/kubernetes/base/namespace.yaml").read_text()
        kubectl("apply", "--filename=-", text=namespace.replace("shop", self.namespace))
        owner, *roles = (secrets.token_urlsafe(24) for _ in range(3))
        url = f"postgres://owner:{owner}@database:5432/shop?sslmode=disable"
        for name, content in (
            ("database", {"password": owner}),
            ("database-legacy-app", {"password": roles[0]}),
            ("database-inventory", {"password": roles[1]}),
            ("database-migrations", {"dotenv": f"DATABASE_URL={url}"}),
        ):
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.namespace},
                "stringData": content,
            }
            # By its input: argument lists can be read by everybody.
            kubectl("create", "--filename=-", text=json.dumps(secret))

    def apply(self) -> None:
        place, limit = f"--namespace={self.namespace}", f"--timeout={READY_S:.0f}s"
        kubectl("apply", f"--kustomize={self.folder / OVERLAY}")
        kubectl(place, "rollout", "status", limit, *WORKLOADS)
        kubectl(place, "wait", limit, "--for=condition=Complete", "job/migrations")


class Deploytool(Side):
    """What is measured."""

    def prepare(self) -> None:
        """Nothing: it makes namespace and Secrets itself."""

    def apply(self) -> None:
        artifacts = {name: str(DIST / path) for name, path in IMAGES.items()}
        run(
            ("python3.11", str(TOOL), "--target", "kubernetes", "up"),
            cwd=self.folder,
            DEPLOYTOOL_ARTIFACTS=json.dumps(artifacts),
        )


def run(command: Sequence[str], *, cwd: Path = ROOT, text: str = "", **variables: str) -> str:
    """Run a command that must succeed; return its output."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * READY_S,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def kubectl(*arguments: str, text: str = "") -> str:
    return run(("kubectl", *arguments), text=text)


def make_folder(folder: Path, namespace: str, port: int) -> None:
    """Lay out the declaration for a namespace, a port of the node and the images as built."""
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    replaced = {
        "namespace: shop\n": f"namespace: {namespace}\n",
        "value: 30080\n": f"value: {port}\n",
    }
    for name, path in IMAGES.items():
        built = json.loads((DIST / path).read_text())["registries"][0]["tags"][0]["tag"]
        replaced[f"/{name}, newTag: local"] = f"/{name}, newTag: {built}"
    files = [folder / "deploy/targets.yaml", *(folder / OVERLAY).iterdir()]
    for file in files:
        text = file.read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        file.write_text(text)


def node_address() -> str:
    path = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}'
    return kubectl("get", "nodes", f"--output=jsonpath={path}")


def await_answers(url: str) -> None:
    """Wait until both apps answer through the gateway."""
    deadline = time.monotonic() + READY_S
    for path in PATHS:
        while True:
            try:
                with urllib.request.urlopen(url + path, timeout=5):  # noqa: S310  # http
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{url}{path} does not answer: {error}") from error
                time.sleep(0.05)


def seconds(side: Side) -> float:
    began = time.monotonic()
    side.apply()
    await_answers(side.url)
    return time.monotonic() - began


def measure(sides: Sequence[Side]) -> None:
    """Deploy with each, then once more without a change in turns, then delete it all."""
    for side in sides:
        side.prepare()
        side.first.append(seconds(side))
    for _ in range(UNCHANGED):
        for side in sides:
            side.unchanged.append(seconds(side))
    clean(sides)


def clean(sides: Iterable[Side]) -> None:
    for side in sides:
        side.clean()


def report(anchor: Side, measured: Side) -> int:
    missed = []
    print(f"{'':28} {'kubectl':>8} {'deploytool':>11} {'ratio':>6} {'limit':>6}")
    for what, ours, theirs in (
        ("first apply to all ready", measured.first, anchor.first),
        ("nothing changed", measured.unchanged, anchor.unchanged),
    ):
        ratio = statistics.median(ours) / statistics.median(theirs)
        print(
            f"{what + ', s (median)':28} {statistics.median(theirs):8.2f} "
            f"{statistics.median(ours):11.2f} {ratio:6.2f} {LIMIT:6.2f}"
        )
        for name, values in (("kubectl", theirs), ("deploytool", ours)):
            print(f"  {name}: {' '.join(f'{value:.2f}' for value in values)}")
        if ratio > LIMIT:
            missed.append(f"{what} in {ratio:.2f} of kubectl's time")
    print(f"missed: {'; '.join(missed)}" if missed else "all limits met")
    return 1 if missed else 0


def main(rounds: int) -> int:
    if not os.environ.get("KUBECONFIG"):
        raise SystemExit("KUBECONFIG names no cluster")
    lacking = [name for name in (TOOL, *map(DIST.joinpath, IMAGES.values())) if not name.is_file()]
    if lacking:
        raise SystemExit(f"{lacking[0]} is missing: run `./pants package ::`")
    node = node_address()
    with tempfile.TemporaryDirectory() as place:
        sides: list[Side] = []
        for kind, port in ((Kubectl, 31180), (Deploytool, 31181)):
            namespace, folder = f"apply-{kind.__name__.lower()}", Path(place, kind.__name__)
            make_folder(folder, namespace, port)
            sides.append(kind(namespace, folder, f"http://{node}:{port}"))
        anchor, measured = sides
        clean(sides)  # of a run that was killed
        try:
            # deploytool first: it pushes what the registry lacks.
            for number in range(rounds + 1):
                measure(sides if number % 2 else sides[::-1])
        finally:
            clean(sides)
        for side in sides:
            side.first.pop(0)
            del side.unchanged[:UNCHANGED]
    return report(anchor, measured)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
