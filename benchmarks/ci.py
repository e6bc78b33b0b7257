"""The gate's time for a change, against its time for everything: A B A B in one run, warm.

    python3.11 -m benchmarks.ci [RUNS [CHANGE...]]

The anchor is `.ci/run` of everything. Each CHANGE (README, service, manifest, deploytool; all of
them) is one edited line in a clone of this repository, beside which `.ci/run` of everything is run
again, RUNS (2) times. Both have run once before, and what they build is in Pants' cache, but every
test is run anew. It prints the ratio of the medians, and fails when one is above its limit. Needs
what `.ci/run` needs, and hours.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
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


@dataclass
class Seconds:
    anchor: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)

    def ratio(self) -> float:
        return statistics.median(self.change) / statistics.median(self.anchor)


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


def measure(folder: Path, names: list[str], runs: int) -> dict[str, Seconds]:
    taken = {name: Seconds() for name in names}
    seconds(folder)
    for name in names:
        edited(folder, CHANGES[name])
        seconds(folder, "HEAD")
        for _ in range(runs):
            edited(folder, CHANGES[name])
            taken[name].anchor.append(seconds(folder))
            edited(folder, CHANGES[name])
            taken[name].change.append(seconds(folder, "HEAD"))
    return taken


def main(runs: int, names: list[str]) -> int:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        taken = measure(folder, names, runs)
    for name, each in taken.items():
        print(
            f"{name}: {each.ratio():.3f} of everything, limit {CHANGES[name].limit};"
            f" {statistics.median(each.change):.0f} s, {statistics.median(each.anchor):.0f} s"
        )
    return int(any(each.ratio() > CHANGES[name].limit for name, each in taken.items()))


if __name__ == "__main__":
    _, *arguments = sys.argv
    sys.exit(main(int(arguments[0]) if arguments else 2, arguments[1:] or list(CHANGES)))
