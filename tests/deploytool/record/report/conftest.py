"""The records of canaries of every end, each written once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from deploytool.record.history import read_canary
from deploytool.record.report.reading import read_report
from deploytool.record.report.view import Report
from tests.deploytool.record.report import scenario

ENDS = {
    "promoted": scenario.promoted,
    "failing": scenario.rolled_back_for_errors,
    "slow": scenario.rolled_back_for_latency,
    "held": scenario.held,
    "resumed": scenario.resumed,
    "running": scenario.running,
}


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The log with a canary that ended so."""
    folder = tmp_path_factory.mktemp("records")

    def log(end: str) -> Path:
        path = folder / f"{end}.log"
        if not path.exists():
            ENDS[end](path)
        return path

    return log


@pytest.fixture(scope="session")
def report(record: Callable[[str], Path]) -> Callable[[str], Report]:
    return cache(lambda end: read_report(read_canary(record(end), scenario.RUN)))
