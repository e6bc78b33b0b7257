"""How long an edit of one line takes until it is built, and until it runs, on a Docker engine.

    python3.11 -m benchmarks.incremental [RUNS]

The edit is made in new_microservice, RUNS (3) times, here and in a copy of the sources that has
Dockerfiles as most people write them (original/). The anchor is `docker compose build` of those;
both have everything in their caches. Beside the times it is checked that nothing else was built or
restarted, and that without an edit nothing was at all. Works on the target `compose` of this
checkout, and restores the file. Needs Docker, Compose and mmdebstrap, which makes the image that
original/ stands on. Fails when a limit is missed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ORIGINAL = Path(__file__).with_name("original")
SOURCES = ROOT / "src/python"
SERVICES = ("legacy_app", "new_microservice")
EDITED = "new_microservice/main.py"
COMPONENT, TARGET = "new-microservice", "src/python/new_microservice:image"
UP = ("./pants", "run", "deploytool", "--", "--target", "compose", "up")
BASE = "original-python-slim"
BASE_PACKAGES = "binutils,ca-certificates,libpython3.11,python3-pip,python3-venv"
RUNS = 3
# Of the anchor, for both; and seconds.
EDIT_LIMIT, UNCHANGED_LIMIT_S = 0.5, 3.0


@dataclass
class Seconds:
    anchor: list[float] = field(default_factory=list)
    built: list[float] = field(default_factory=list)
    replaced: list[float] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)


def output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def seconds(*command: str, cwd: Path = ROOT, **variables: str) -> float:
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - began


def make_base() -> None:
    """Make what stands in for a public image of Python, unless it is there."""
    if output("docker", "image", "ls", "--quiet", BASE):
        return
    if shutil.which("mmdebstrap") is None:
        raise SystemExit("mmdebstrap is missing: install Debian's package of that name")
    with tempfile.TemporaryDirectory() as place:
        tree = f"{place}/base.tar"
        include = f"--include={BASE_PACKAGES}"
        output("mmdebstrap", "--quiet", "--variant=minbase", include, "bookworm", tree)
        output("docker", "import", tree, BASE)


def make_context(folder: Path) -> None:
    """Copy the sources, and bring the wheels that an image of them installs."""
    for name in SERVICES:
        shutil.copytree(SOURCES / name, folder / name)
    listed = (ROOT / "3rdparty/python/services.txt").read_text()
    (folder / "requirements.txt").write_text(listed.partition("# What only their tests")[0])
    pip = (sys.executable, "-m", "pip", "download", "--quiet", f"--dest={folder}/wheels")
    output(*pip, f"--requirement={folder}/requirements.txt", "pyinstaller", "setuptools", "wheel")


def identities() -> dict[str, str]:
    """Return the ids of the project's containers and of the images packaged last, by name."""
    containers = output(
        "docker", "ps", "--no-trunc", "--filter=label=com.docker.compose.project",
        '--format={{.Label "com.docker.compose.service"}} {{.ID}}',
    )  # fmt: skip
    images = output(
        "docker", "image", "ls", "--no-trunc", "--filter=reference=*:local",
        "--format={{.Repository}}:local {{.ID}}",
    )  # fmt: skip
    return dict(line.split() for line in (containers + images).splitlines())


def changed_by(action: Callable[[], None]) -> set[str]:
    before = identities()
    action()
    after = identities()
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def require(found: set[str], expected: set[str], when: str) -> None:
    if found != expected:
        raise SystemExit(f"{when}, {sorted(found)} changed, not {sorted(expected) or 'nothing'}")


def measure(context: Path, runs: int) -> Seconds:
    anchor = ("docker", "compose", "--project-name=original", "build")
    places = {"CONTEXT": str(context), "DOCKERFILES": str(ORIGINAL)}
    file, copy = SOURCES / EDITED, context / EDITED
    text = file.read_text()
    taken = Seconds()

    def edit() -> None:
        for path in (file, copy):
            path.write_text(f"{text}\nEDIT = {time.time_ns()}\n")
        time.sleep(1)  # as long as it takes a person to get to the command line

    try:
        for number in range(runs + 1):  # the first one fills the caches
            edit()
            taken.anchor.append(seconds(*anchor, cwd=ORIGINAL, **places))
            changed = changed_by(lambda: taken.built.append(seconds("./pants", "package", TARGET)))
            require(changed, {f"{COMPONENT}:local"}, "when the edit was built")
            edit()
            changed = changed_by(lambda: taken.replaced.append(seconds(*UP)))
            if number:
                require(changed, {COMPONENT, f"{COMPONENT}:local"}, "after another edit")
            unchanged = changed_by(lambda: taken.unchanged.append(seconds(*UP)))
            require(unchanged, set(), "without an edit")
    finally:
        file.write_text(text)
    return taken


def main(runs: int) -> int:
    if output("git", "status", "--porcelain", "--", str(SOURCES / EDITED)):
        raise SystemExit(f"{EDITED} has changes of yours: commit them first, it is edited here")
    make_base()
    with tempfile.TemporaryDirectory() as place:
        context = Path(place)
        make_context(context)
        taken = measure(context, runs)
    anchor, built, replaced, unchanged = (
        statistics.median(values[1:])
        for values in (taken.anchor, taken.built, taken.replaced, taken.unchanged)
    )
    print(f"{'':44} {'s':>6} {'x anchor':>9}")
    for what, value in (
        ("original-style: docker compose build (anchor)", anchor),
        ("built: pants package", built),
        ("built and replaced, no request lost: up", replaced),
        ("no edit: up", unchanged),
    ):
        print(f"{what:44} {value:6.1f} {value / anchor:9.2f}")
    missed = []
    for what, value in (("built", built), ("replaced", replaced)):
        if value > EDIT_LIMIT * anchor:
            missed.append(f"{what} in {value / anchor:.2f} of the anchor (limit {EDIT_LIMIT:g})")
    if unchanged > UNCHANGED_LIMIT_S:
        missed.append(f"no edit took {unchanged:.1f} s (limit {UNCHANGED_LIMIT_S:g})")
    print(f"missed: {'; '.join(missed)}" if missed else "all limits met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
