"""Sizes of both services' images, time from `docker run` to the first 200, memory when idle.

    ./pants package src/python/legacy_app:image src/python/new_microservice:image
    python3.11 -m benchmarks.images [RUNS]

Times are medians of RUNS (7) and ratios to an anchor of the same run: a static C server on scratch,
compiled and started in turn with the services. All run as user 65532 with a read-only root and
without capabilities. Memory is what Docker counts: of the control group, without cached files that
nothing uses. Needs Docker and gcc. Fails when a limit is missed.
"""

import gzip
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = Path(__file__).with_name("server.c")
ANCHOR = "img-benchmark-anchor"
PORT = 8080
RUNS = 7
GIVE_UP_S = 60
LOCKED_UP = (
    *("--read-only", "--user=65532:65532", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
)
# Enough to start: they answer /livez whether or not there is a database.
SETTINGS = {
    "DB_HOST": "127.0.0.1",
    "DB_NAME": "none",
    "DB_USER": "none",
    "DB_PASS": "none",
    "API_ENDPOINT": "http://127.0.0.1:1",
}


@dataclass(frozen=True)
class Limits:
    """Megabytes (10^6), and how many times as long as the anchor it may take to start."""

    size_mb: float
    packed_mb: float
    start: float
    memory_mb: float


@dataclass(frozen=True)
class Measured:
    name: str
    size_mb: float
    packed_mb: float
    start_ms: float
    memory_mb: float


# What a service that only answers took, with FastAPI, uvicorn and psycopg, packaged in these ways.
LIMITS = {
    "new-microservice": Limits(44, 20, 2.86, 39),
    "legacy-app": Limits(72.6, 25.7, 2.39, 38),
}
PACKAGES = {
    "new-microservice": "dist/src.python.new_microservice/image.docker-info.json",
    "legacy-app": "dist/src.python.legacy_app/image.docker-info.json",
}


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def build_anchor() -> None:
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "server"
        subprocess.run(["gcc", "-static", "-O2", "-o", program, SOURCE], check=True)
        (Path(place) / "Dockerfile").write_text(
            'FROM scratch\nCOPY server /server\nENTRYPOINT ["/server"]\n'
        )
        docker("build", "--quiet", "--tag", ANCHOR, place)


def packaged(path: str) -> str:
    """Return the name of the image that Pants built last."""
    built = json.loads((ROOT / path).read_text())
    return str(built["registries"][0]["tags"][0]["name"])


def answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, PORT, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def run_once(image: str) -> tuple[float, float]:
    """Return the milliseconds to the first answer, and the megabytes in use a second later."""
    settings = [f"--env={name}={value}" for name, value in SETTINGS.items()]
    began = time.monotonic()
    container = docker("run", "--detach", *LOCKED_UP, *settings, image)
    try:
        format_ = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = docker("inspect", f"--format={format_}", container)
        while not answers(address):
            if time.monotonic() > began + GIVE_UP_S:
                raise SystemExit(f"{image} did not answer: {docker('logs', container)}")
            time.sleep(0.005)
        took_ms = (time.monotonic() - began) * 1000
        time.sleep(1)
        return took_ms, memory_mb(container)
    finally:
        docker("rm", "--force", "--volumes", container)


def memory_mb(container: str) -> float:
    text = docker("stats", "--no-stream", "--format={{.MemUsage}}", container).split(" / ")[0]
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor / 1e6
    raise SystemExit(f"docker stats said {text!r}")


def sizes_mb(image: str) -> tuple[float, float]:
    """Return the size of the image, and of what `docker save` writes when compressed."""
    saving = subprocess.run(["docker", "save", image], check=True, capture_output=True)
    packed = len(gzip.compress(saving.stdout, 6))
    return int(docker("image", "inspect", "--format={{.Size}}", image)) / 1e6, packed / 1e6


def measure(images: dict[str, str], runs: int) -> list[Measured]:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in images}
    for _ in range(runs):
        for name, image in images.items():
            taken[name].append(run_once(image))
    return [
        Measured(
            name,
            *sizes_mb(image),
            statistics.median(ms for ms, _ in taken[name]),
            statistics.median(mb for _, mb in taken[name]),
        )
        for name, image in images.items()
    ]


def misses(measured: Measured, start: float) -> list[str]:
    limits = LIMITS[measured.name]
    compared = {
        "size": (measured.size_mb, limits.size_mb),
        "gzip": (measured.packed_mb, limits.packed_mb),
        "start": (start, limits.start),
        "memory": (measured.memory_mb, limits.memory_mb),
    }
    return [
        f"{measured.name}: {what} {value:.2f} (limit {limit:g})"
        for what, (value, limit) in compared.items()
        if value > limit
    ]


def main(runs: int) -> int:
    build_anchor()
    try:
        services = {name: packaged(path) for name, path in PACKAGES.items()}
        anchor, *measured = measure({"anchor": ANCHOR, **services}, runs)
    finally:
        subprocess.run(["docker", "rmi", "--force", ANCHOR], check=False, capture_output=True)
    print(f"{'image':18} {'MB':>6} {'gzip':>6} {'start ms':>9} {'x anchor':>9} {'memory MB':>10}")
    missed = []
    for each in (anchor, *measured):
        start = each.start_ms / anchor.start_ms
        print(
            f"{each.name:18} {each.size_mb:6.1f} {each.packed_mb:6.1f} {each.start_ms:9.0f}"
            f" {start:9.2f} {each.memory_mb:10.1f}"
        )
        if each is not anchor:
            missed += misses(each, start)
    print(f"missed: {'; '.join(missed)}" if missed else "all limits met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
