"""What is packaged is the same wherever it is made, also where packages were run before."""

import os
import subprocess
from pathlib import Path

from tests.end_to_end.deployed import SANDBOX, TOOL


def test_what_runs_leaves_nothing_among_the_wheels_of_later_packages(tmp_path: Path) -> None:
    subprocess.run(
        ["python3.11", str(SANDBOX / TOOL), "version"],
        env={"PATH": os.environ["PATH"], "PEX_ROOT": str(tmp_path)},
        check=True,
        timeout=120,
    )
    wheels = tmp_path / "installed_wheels"
    assert list(wheels.rglob("*.py"))
    assert not list(wheels.rglob("*.pyc"))
