"""`pants lint` has a tool check manifests, in a repository of its own."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.pants_plugins.repositories import Repository

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = ["pants.backend.python", "kubernetes_manifests"]

[source]
root_patterns = ["/src", "/pants-plugins", "/"]

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true
resolves_generate_lockfiles = false
default_resolve = "kubectl"

[python.resolves]
kubectl = "3rdparty/python/kubectl.lock"

[deploytool-validate]
tool = "src/tool"
"""

# In its place deploytool would say what it finds; this one finds a word.
TOOL = """
import subprocess
import sys
from pathlib import Path

from tool.word import WORD


def main():
    command, *folders = sys.argv[1:]
    assert command == "validate", command
    kubectl = ["kubectl", "version", "--client"]
    subprocess.run(kubectl, cwd="/", check=True, stdout=subprocess.DEVNULL)
    code = 0
    for file in sorted(file for folder in folders for file in Path(folder).rglob("*.yaml")):
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines, start=1):
            if WORD in line:
                print(f"{file}:{number}: {Path('deploy/declaration').read_text()}")
                code = 2
    sys.exit(code)
"""

FILES = {
    "pants.toml": SETTINGS,
    "src/tool/BUILD": "python_sources(name='lib')\n"
    "pex_binary(name='tool', entry_point='tool.main:main', dependencies=[':lib'])",
    "src/tool/main.py": TOOL,
    "src/tool/word.py": "WORD = 'replcas'",
    "deploy/BUILD": "file(name='declaration', source='declaration')",
    "deploy/declaration": "is declared",
    "deploy/good/BUILD": "kubernetes_manifests()",
    "deploy/good/a.yaml": "replicas: 2\n",
    "deploy/bad/BUILD": "kubernetes_manifests(dependencies=['deploy:declaration'])",
    "deploy/bad/overlay/b.yaml": "spec:\n  replcas: 2\n",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    root = tmp_path_factory.mktemp("repository")
    plugins, locks = ["kubernetes_manifests"], ["kubectl"]
    with Repository(root, FILES, plugins, locks) as repository:
        yield repository


def test_manifests_are_checked_with_what_they_depend_on(repository: Repository) -> None:
    good, bad = (repository.pants("lint", f"deploy/{name}:") for name in ("good", "bad"))

    assert good.returncode == 0, good.stderr
    assert "deploytool-validate succeeded" in good.stderr
    assert bad.returncode != 0, bad.stderr
    assert "deploy/bad/overlay/b.yaml:2: is declared" in bad.stderr + bad.stdout


def test_what_depends_on_manifests_gets_them_as_files(repository: Repository) -> None:
    repository.write("BUILD", "archive(name='all', format='tar', files=['deploy/good'])")

    packaged = repository.pants("package", "//:all")

    assert packaged.returncode == 0, packaged.stderr
    listed = subprocess.check_output(["tar", "-tf", repository.root / "dist/all.tar"], text=True)
    assert listed.split() == ["deploy/good/a.yaml"]
