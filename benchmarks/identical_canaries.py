"""How canaries that differ from stable in nothing fare on a cluster, under load.

Runs so many canaries, one after the other, by `./pants run deploytool -- --target TARGET canary` in
this checkout, each with a setting of its own that nothing reads. Prints for each how it ended, and
of its last step the load of its pods and both versions' latency. Fails when one was rolled back.

    KUBECONFIG=... python3.11 benchmarks/identical_canaries.py [--canaries 10] [--steps 50]
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "logs" / "operations.log"
ENDS = {0: "promoted", 4: "rolled back", 5: "held"}


def canary(target: str, *options: str) -> tuple[int, float, list[dict[str, Any]]]:
    """Run one; return its exit code, the seconds it took and its lines in the operations log."""
    known = LOG.stat().st_size if LOG.exists() else 0
    began = time.monotonic()
    arguments = [f"--env=TRIAL=identical-{time.time():.0f}", "--output=json", *options]
    done = subprocess.run(
        ["./pants", "run", "deploytool", "--", "--target", target, "canary", *arguments],
        cwd=ROOT,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    took_s = time.monotonic() - began
    if done.returncode not in ENDS:
        raise SystemExit(f"exit {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}")
    with LOG.open() as log:
        log.seek(known)
        return done.returncode, took_s, [json.loads(line) for line in log]


def described(lines: list[dict[str, Any]]) -> str:
    """Return what the last verdict rested on, and what was lacking meanwhile."""
    verdicts = [line for line in lines if line.get("event") == "verdict"]
    if not verdicts:
        return "no verdict"
    figures, reason = verdicts[-1]["details"]["figures"], verdicts[-1]["reason"]
    arms = (
        f"{arm} {found['requests']} requests, p50 {milliseconds(found['p50_s'])}, "
        f"p90 {milliseconds(found['p90_s'])}, p99 {milliseconds(found['p99_s'])}"
        for arm, found in figures["at_step"].items()
    )
    lacking = [line["reason"] for line in lines if line.get("event") == "lacking"]
    percent = figures["weights_percent"][figures["step"]]
    load = f"at {percent} % load {figures['load_ratio']:.2f}, evidence {figures['e_value']:.2g}"
    told = [load, *arms, *lacking]
    return "; ".join(told) + (f"\n    {reason}" if verdicts[-1]["result"] != "promote" else "")


def milliseconds(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{1000 * seconds:.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--canaries", type=int, default=10)
    parser.add_argument("--rate", type=int, default=80, help="requests a second")
    parser.add_argument("--steps", help="percentages with commas between; else the declared ones")
    parser.add_argument("--target", default="kubernetes")
    arguments = parser.parse_args()
    options = [f"--load={arguments.rate}"]
    options += [f"--steps={arguments.steps}"] if arguments.steps else []
    codes = []
    for number in range(1, arguments.canaries + 1):
        code, took_s, lines = canary(arguments.target, *options)
        codes.append(code)
        print(f"{number:3} {ENDS[code]} after {took_s:.0f} s: {described(lines)}", flush=True)
    counts = ", ".join(f"{codes.count(code)} {end}" for code, end in ENDS.items())
    print(f"of {len(codes)} identical canaries at {arguments.rate} requests a second: {counts}")
    return 1 if 4 in codes else 0


if __name__ == "__main__":
    sys.exit(main())
