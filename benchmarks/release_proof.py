"""How long it takes to verify a release on top of a deployment that changes nothing.

    ./pants package :: && ./pants run benchmarks:release_proof

Deploys the built system by a release on this machine's Docker engine, then says `up --release` by
two targets that are one and the same, but that only the one demands proof (signature, provenance,
bill of materials of each image), in turns. The anchor is the one without. Fails when the proof
takes more than 3 s. Needs docker-registry and cosign.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from deploytool.system.release import content_digest
from tests.registry import serving
from tests.releases import BILL, COMMIT, REPOSITORY, Keys, prove, write_signed

DIST = Path.cwd() / "dist"
TOOL = DIST / "src.python.deploytool/binary.pex"
IMAGES = {
    "legacy-app": "src.python.legacy_app/image.docker-info.json",
    "new-microservice": "src.python.new_microservice/image.docker-info.json",
    "database": "3rdparty.images.database/database.docker-info.json",
    "gateway": "3rdparty.images.gateway/gateway.docker-info.json",
    "migrations": "deploy.database/migrations.docker-info.json",
}
ROUNDS = 7
MOST_S = 3.0
PLAIN, PROVED = "plain", "proved"


def deploytool(folder: Path, target: str, *arguments: str, **environment: str) -> float:
    """Run a command to its good end; return how long it took, in seconds."""
    began = time.monotonic()
    done = subprocess.run(
        ["python3.11", str(TOOL), "--target", target, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{target} {arguments}: exit {done.returncode}\n{done.stderr}")
    return time.monotonic() - began


def declare(folder: Path, keys: Keys) -> None:
    """Lay out a repository with the two targets."""
    shutil.copytree("deploy", folder / "deploy")
    targets = folder / "deploy" / "targets.yaml"
    compose = yaml.safe_load(targets.read_text())["targets"]["compose"]
    target = {**compose, "state": ".deploytool/both", "project": f"benchmark-{os.getpid()}"}
    required = ["signature", "provenance", "sbom"]
    proof = {"key": str(keys.public), "repository": REPOSITORY, "require": required}
    declared = {PLAIN: target, PROVED: {**target, "proof": proof}}
    targets.write_text(yaml.safe_dump({"targets": declared}))


def released(folder: Path, registry: str, keys: Keys) -> Path:
    """Push what was built, and prove all of it."""
    file = folder / "release.json"
    artifacts = json.dumps({name: str(DIST / path) for name, path in IMAGES.items()})
    source = {"IMAGE_SOURCE": REPOSITORY, "IMAGE_REVISION": COMMIT}
    push = ("push", registry, "--file", str(file))
    deploytool(folder, PLAIN, *push, DEPLOYTOOL_ARTIFACTS=artifacts, **source)
    content = json.loads(file.read_text())
    for each in content["images"].values():
        prove(each["image"], keys)
        each["sbom"] = content_digest(BILL)
    return write_signed(file, content, keys)


def main() -> int:
    with tempfile.TemporaryDirectory() as place, serving(Path(place)) as registry:
        folder = Path(place) / "repository"
        keys = Keys(Path(place) / "keys")
        declare(folder, keys)
        file = released(folder, registry, keys)
        up = ("up", "--release", str(file))
        took: dict[str, list[float]] = {PLAIN: [], PROVED: []}
        try:
            for target in took:  # the first one deploys
                deploytool(folder, target, *up)
            for _ in range(ROUNDS):
                for target, seconds in took.items():
                    seconds.append(deploytool(folder, target, *up))
        finally:
            deploytool(folder, PLAIN, "down", "--volumes", "--yes")
            # By these names alone: under others the same images stay.
            pulled = {each["image"] for each in json.loads(file.read_text())["images"].values()}
            subprocess.run(["docker", "image", "rm", *pulled], check=False, capture_output=True)
    anchor_s, proved_s = (statistics.median(seconds) for seconds in took.values())
    more_s = statistics.median(b - a for a, b in zip(*took.values(), strict=True))
    print(f"anchor: up --release that changes nothing {anchor_s:.2f} s")
    print(f"with proof {proved_s:.2f} s, {proved_s / anchor_s:.2f} x the anchor")
    print(f"the proof of {len(IMAGES)} images takes {more_s:.2f} s (limit {MOST_S:g} s)")
    return 0 if more_s <= MOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
