"""How long the main command takes the second time, and how much of that is Pants.

Runs `./pants run deploytool -- canary` twice in this checkout and prints, for the second run, the
whole time, Pants' part (until deploytool's first line in the log), and both as ratios to an
anchor, `./pants --version` with a warm daemon. Fails when the run takes 60 s or Pants 3 s or more.

    python3.11 benchmarks/canary_run.py
"""

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "logs" / "operations.log"
MOST_SECONDS = 60.0
MOST_PANTS_SECONDS = 3.0


def timed(*arguments: str) -> tuple[float, float]:
    """Run ./pants; return when it began (unix seconds) and how long it took."""
    began = time.time()
    subprocess.run(["./pants", *arguments], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    return began, time.time() - began


def first_line_after(moment: float) -> float:
    """Return when deploytool wrote its first line after the moment, in unix seconds."""
    for text in LOG.read_text().splitlines():
        line = json.loads(text)
        if line.get("event") == "command-started":
            at = datetime.fromisoformat(line["time"]).timestamp()
            if at > moment:
                return at
    raise SystemExit("deploytool did not run")


def main() -> int:
    timed("run", "deploytool", "--", "canary")
    timed("--version")
    _, anchor_s = timed("--version")
    began, took_s = timed("run", "deploytool", "--", "canary")
    pants_s = first_line_after(began) - began
    print(f"anchor: ./pants --version {anchor_s:.2f} s")
    print(f"second canary {took_s:.1f} s, {took_s / anchor_s:.1f} x the anchor (limit 60 s)")
    print(f"Pants' part   {pants_s:.2f} s, {pants_s / anchor_s:.1f} x the anchor (limit 3 s)")
    return 0 if took_s < MOST_SECONDS and pants_s < MOST_PANTS_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
