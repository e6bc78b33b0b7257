"""Is the canary's verdict worth what docs/canary.md says? Simulated, with the same seeds each time.

    PYTHONPATH=src/python python -m benchmarks.canary_verdict [RUNS]

Prints one table and fails where a limit is missed. RUNS (10,000) is how many canaries are simulated
for each line; with fewer, chance alone may miss a limit. Takes about ten minutes on two cores.

The runs are computed in arrays; in each scenario some also go through the product's own classes:
the last column is the largest difference of log e at any moment (limit 1e-9).
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence

from benchmarks.canary_verdict import detection, false_rollback, promotion
from benchmarks.canary_verdict.lines import Line, Scenario, render

RUNS = 10_000


def _lines(number: int, runs: int) -> Sequence[Line]:
    return _scenarios()[number].lines(runs)


def _scenarios() -> list[Scenario]:
    return [*false_rollback.scenarios(), *detection.scenarios(), *promotion.scenarios()]


def main(runs: int) -> int:
    began = time.monotonic()
    scenarios = _scenarios()
    with multiprocessing.Pool() as pool:
        pending = [pool.apply_async(_lines, (number, runs)) for number in range(len(scenarios))]
        results = [
            (scenario, lines.get()) for scenario, lines in zip(scenarios, pending, strict=True)
        ]
    print(render(results))
    all_lines = [line for _, lines in results for line in lines]
    missed = [line.what for line in all_lines if not line.is_good]
    print(f"\n{runs} runs a line, {time.monotonic() - began:.0f} s")
    print(f"missed: {'; '.join(missed)}" if missed else "all limits met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
