"""How soon a canary with each kind of fault is gone, and by what it is found.

    python3.11 -m benchmarks.fault_kinds [KIND...]

Deploys the system to processes of this machine, in a folder of its own, and canaries each kind of
fault (or those named) with the declared policy and the declared traffic. Prints for each: what the
verdict rests on; requests that ended at the canary, as the router counted them, and seconds, both
from its first share of the traffic to its last; and the seconds as a ratio to the anchor, a canary
of which one request in twenty fails. Writes the same as a table of Markdown with --markdown.
Fails when a canary is not sent back on evidence.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import copytree
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
COMPONENT = "new-microservice"
TOOL = "src/python/deploytool:binary"
PACKAGES = {
    "legacy-app": "src/python/legacy_app:legacy_app",
    "new-microservice": "src/python/new_microservice:new_microservice",
    "runtime": "src/python/deploytool/platforms/local:runtime",
}
# Enough that latency is judged, too.
HISTORY_S = 20
ROLLED_BACK = 4
ANCHOR = "error:0.05"
STOPPED = "SIGSTOP"
# A fault that would strike the smoke request begins after it: it is the verdict that is measured.
KINDS = {
    ANCHOR: "5 % of the requests fail",
    "late:3s:status:404:1": "404 to everything but its smoke request",
    "late:3s:status:302:1": "a redirect to everything but its smoke request",
    "hang:0.33": "every third request is never answered",
    "hang:0.02": "2 % are never answered",
    "body:0.2": "200 with an error document to 20 %",
    "late:15s:error:0.2": "20 % fail from the 15th second on",
    "slowbody:3000ms:0.05": "5 % of the bodies come 3 s late",
    "leak:5mb": "5 MB are leaked at each request",
    STOPPED: "the process is stopped after 10 s",
}
STOPPED_AFTER_S = 10.0


@dataclass(frozen=True)
class Found:
    """A canary that ended. metric: what the last verdict rests on, or why else it went back."""

    kind: str
    code: int
    metric: str
    requests: int
    seconds: float
    reason: str


class Shop:
    """The system in a folder, driven by the packaged tool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        copytree(ROOT / "deploy", folder / "deploy")
        built = {name: dist(target) for name, target in PACKAGES.items()}
        self._environment = {
            **os.environ,
            "DEPLOYTOOL_ARTIFACTS": json.dumps(built),
            "PEX_ROOT": str(folder / "pex"),
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["python3.11", dist(TOOL), *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, errors = process.communicate()
        if process.returncode not in {0, ROLLED_BACK}:
            print(errors[-2000:], file=sys.stderr)
        return process.returncode, output

    def record(self, run: str) -> list[dict[str, Any]]:
        lines = (self._folder / "logs/operations.log").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line.get("run") == run]

    def canary(self, kind: str) -> Found:
        setting = "TRIAL=stopped" if kind == STOPPED else f"INVENTORY_FAULT={kind}"
        with stopping(setting, self._folder) if kind == STOPPED else nothing():
            code, output = self.run(
                "canary", COMPONENT, "--env", setting, "--output", "json", "--timeout", "60"
            )
        result = json.loads(output.splitlines()[-1])
        return found(kind, code, result, self.record(result["run"]))


def found(kind: str, code: int, result: dict[str, Any], record: list[dict[str, Any]]) -> Found:
    """Read off the record when the canary had a share, and how many requests ended there."""
    began = next(at(line) for line in record if line["event"] == "step-begun")
    gone = next(
        (at(line) for line in record if line.get("result") in {"aborting", "promoting"}),
        at(record[-1]),
    )
    polls = [line["details"]["poll"] for line in record if line["event"] == "observation"]
    requests = sum(sum(poll["canary"]["requests"].values()) for poll in polls if "canary" in poll)
    verdicts = [line["details"] for line in record if line["event"] == "verdict"]
    is_judged = verdicts and verdicts[-1]["decision"] == "rollback"
    metric = verdicts[-1]["metric"] if is_judged else "no readiness, or its end"
    if code != ROLLED_BACK:
        metric = f"nothing: {result.get('result', 'failed')}"
    return Found(kind, code, metric, requests, gone - began, str(result.get("reason")))


def at(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


@contextmanager
def nothing() -> Iterator[None]:
    yield


@contextmanager
def stopping(setting: str, folder: Path) -> Iterator[None]:
    """Stop the process that has the setting, some seconds after it was started."""
    is_over = threading.Event()

    def stop() -> None:
        while not is_over.wait(0.2):
            if pid := process_with(setting, folder):
                if not is_over.wait(STOPPED_AFTER_S):
                    os.kill(pid, signal.SIGSTOP)
                return

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def process_with(setting: str, folder: Path) -> int | None:
    for place in Path("/proc").glob("[0-9]*"):
        try:
            variables = (place / "environ").read_bytes().split(b"\0")
            # The supervisor writes it into the settings of its children alone.
            if setting.encode() in variables and str(folder) in os.fsdecode(b" ".join(variables)):
                return int(place.name)
        except OSError:
            continue
    return None


def dist(target: str) -> str:
    folder, name = target.split(":")
    return str(ROOT / "dist" / folder.replace("/", ".") / f"{name}.pex")


def main(kinds: list[str], *, is_markdown: bool) -> int:
    subprocess.run(["./pants", "package", TOOL, *PACKAGES.values()], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        shop = Shop(Path(place))
        try:
            if shop.run("up")[0] != 0:
                raise SystemExit("the system does not come up")
            shop.run("load", "--duration", str(HISTORY_S))
            rows = []
            for kind in kinds:
                row = shop.canary(kind)
                rows.append(row)
                found_by = f"{row.metric}, {row.requests} requests, {row.seconds:.0f} s"
                print(f"{kind}: {found_by}: {row.reason}", file=sys.stderr, flush=True)
        finally:
            shop.run("down", "--volumes", "--yes")
    show(rows, is_markdown=is_markdown)
    return 0 if all(row.code == ROLLED_BACK for row in rows) else 1


def show(rows: list[Found], *, is_markdown: bool) -> None:
    anchor_s = next((row.seconds for row in rows if row.kind == ANCHOR), None)
    header = ("fault", "kind", "found by", "requests", "seconds", "ratio")
    cells = [
        (
            KINDS.get(row.kind, ""),
            row.kind,
            row.metric,
            str(row.requests),
            f"{row.seconds:.0f}",
            f"{row.seconds / anchor_s:.1f}" if anchor_s else "-",
        )
        for row in rows
    ]
    if is_markdown:
        print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
        for line in cells:
            print("| " + " | ".join(line) + " |")
        return
    widths = [max(len(line[i]) for line in (header, *cells)) for i in range(len(header))]
    for line in (header, *cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How soon each kind of fault is found.")
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    sys.exit(main(given.kinds or [*KINDS], is_markdown=given.markdown))
