"""`pants lint` reports what is wrong with a Dockerfile, in a repository of its own."""

import os
import shutil
import subprocess
from pathlib import Path

PLUGIN = Path("pants-plugins/hadolint")
LOCKS = Path("3rdparty/python")

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = ["pants.backend.docker", "pants.backend.python", "hadolint"]
pantsd = false

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true
resolves_generate_lockfiles = false
default_resolve = "hadolint"

[python.resolves]
hadolint = "3rdparty/python/hadolint.lock"
"""

# One written where it is declared, one with a file of its own.
TARGETS = {
    "good": 'docker_image(instructions=["FROM scratch", "COPY a /a"])',
    "bad": "docker_image()",
}


def lint(root: Path, target: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [root / "pants", "--no-dynamic-ui", "lint", target],
        cwd=root,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dockerfile_is_judged_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "pants.toml").write_text(SETTINGS)
    for folder, targets in TARGETS.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "BUILD").write_text(targets)
    (tmp_path / "bad/Dockerfile").write_text("FROM scratch\nMAINTAINER nobody\n")
    shutil.copytree(PLUGIN, tmp_path / PLUGIN, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / LOCKS).mkdir(parents=True)
    for name in ("pants.lock", "hadolint.lock"):
        shutil.copy(LOCKS / name, tmp_path / LOCKS / name)
    shutil.copy("pants", tmp_path / "pants")

    good, bad = lint(tmp_path, "good:"), lint(tmp_path, "bad:")

    assert good.returncode == 0, good.stderr
    assert bad.returncode == 1, bad.stderr
    assert "bad/Dockerfile:2 DL4000" in bad.stderr + bad.stdout
