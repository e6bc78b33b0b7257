"""The gate's time for a change, against its time for everything, warm: A B C D E A B C D E.

    python3.11 -m benchmarks.ci [RUNS [CHANGE...]]

The anchor is `.ci/run` of everything. Each CHANGE (README, service, manifest, deploytool; all of
them) is one edited line in a clone of this repository. Anchor and changes follow each other RUNS
(2) times, after one round without the tests of whole systems: what does not change is in Pants'
cache then, but every test is run anew. It prints the ratio of the medians, and fails when one is
above its limit. Needs what `.ci/run` needs, and two hours for each round.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Change:
    """A file that is edited, the line that makes it another, and what that may cost."""

    path: str
    line: str
    limit: float


CHANGES = {
    "README": Change("README.md", "{}\n", 0.03),
    "service": Change("src/python/new_microservice/domain/errors.py", "# {}\n", 0.35),
    "manifest": Change("deploy/kubernetes/base/routes.yaml", "# {}\n", 0.5),
    "deploytool": Change("src/python/deploytool/canary/verdict.py", "# {}\n", 0.9),
}


def seconds(folder: Path, *arguments: str) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [folder / ".ci/run", *arguments],
        cwd=folder,
        env={**os.environ, "PANTS_TEST_FORCE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f".ci/run {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return time.monotonic() - began


def edited(folder: Path, change: Change) -> None:
    """Make the edit another one than all before, so that no result of it is known."""
    subprocess.run(["git", "-C", folder, "checkout", "--quiet", "."], check=True)
    with (folder / change.path).open("a") as file:
        file.write(change.line.format(random.random()))


def measure(
    folder: Path, names: list[str], runs: int
) -> tuple[list[float], dict[str, list[float]]]:
    """Return the seconds of the anchor and of each change, RUNS of them."""
    for stage in ("checks", "packages", "parts"):
        seconds(folder, "--stage", stage)
    anchor: list[float] = []
    changes: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(runs):
        edited(folder, CHANGES["deploytool"])
        anchor.append(seconds(folder))
        print(f"everything: {anchor[-1]:.0f} s", flush=True)
        for name in names:
            edited(folder, CHANGES[name])
            changes[name].append(seconds(folder, "HEAD"))
            print(f"{name}: {changes[name][-1]:.0f} s", flush=True)
    return anchor, changes


def main(runs: int, names: list[str]) -> int:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        anchor, changes = measure(folder, names, runs)
    ratios = {
        name: statistics.median(each) / statistics.median(anchor) for name, each in changes.items()
    }
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.3f} of everything, limit {CHANGES[name].limit}")
    return int(any(ratio > CHANGES[name].limit for name, ratio in ratios.items()))


if __name__ == "__main__":
    _, *arguments = sys.argv
    sys.exit(main(int(arguments[0]) if arguments else 2, arguments[1:] or list(CHANGES)))
