"""`pants lint` reports what is wrong with a Dockerfile, in a repository of its own."""

from pathlib import Path

from tests.pants_plugins.repositories import Repository

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = ["pants.backend.docker", "pants.backend.python", "hadolint"]

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true
resolves_generate_lockfiles = false
default_resolve = "hadolint"

[python.resolves]
hadolint = "3rdparty/python/hadolint.lock"
"""

# One written where it is declared, one with a file of its own.
FILES = {
    "pants.toml": SETTINGS,
    "good/BUILD": 'docker_image(instructions=["FROM scratch", "COPY a /a"])',
    "bad/BUILD": "docker_image()",
    "bad/Dockerfile": "FROM scratch\nMAINTAINER nobody\n",
}


def test_a_dockerfile_is_judged_wherever_it_stands(tmp_path: Path) -> None:
    with Repository(tmp_path, FILES, plugins=["hadolint"], locks=["hadolint"]) as repository:
        good, bad = (repository.pants("lint", f"{name}:") for name in ("good", "bad"))

    assert good.returncode == 0, good.stderr
    assert bad.returncode == 1, bad.stderr
    assert "bad/Dockerfile:2 DL4000" in bad.stderr + bad.stdout
