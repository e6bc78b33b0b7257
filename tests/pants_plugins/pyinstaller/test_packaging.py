"""Another repository takes the plugin as it is: a small project, packaged by a Pants of its own."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.pants_plugins.repositories import Repository

LOCKS = Path("3rdparty/python")
PACKAGE = "src/sample"

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = ["pants.backend.python", "pyinstaller"]

[source]
root_patterns = ["/src"]

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true
resolves_generate_lockfiles = false
default_resolve = "sample"

[python-infer]
use_rust_parser = true

[python.resolves]
sample = "sample.lock"
tools = "3rdparty/python/pyinstaller.lock"

[pyinstaller]
install_from_resolve = "tools"
"""

# The single program has the name of the package: neither may hide the other.
TARGETS = """
python_requirement(name="iniconfig", requirements=["iniconfig"])
resources(name="texts", sources=["*.txt"])
python_sources(name="src", dependencies=[":texts"])
pyinstaller_binary(name="folder", entry_point="main.py:main", strip=True)
pyinstaller_binary(name="single", entry_point="sample", mode="onefile", output_path="tools/sample")
pyinstaller_binary(name="wrong", entry_point="sample.main:mian")
"""

MAIN = """
import importlib.metadata
import importlib.resources
import sys

import iniconfig

try:
    import altgraph  # of PyInstaller, not of this project
except ImportError:
    altgraph = None

ORDER = {"some", "names", "in", "an", "order", "that", "depends", "on", "the", "hash"}


def main() -> int:
    text = importlib.resources.files("sample").joinpath("greeting.txt").read_text().strip()
    found = sorted(d.metadata["Name"] for d in importlib.metadata.distributions())
    print(text, *sys.argv[1:], *found, iniconfig.__name__, altgraph, len(ORDER))
    return int(sys.argv[1])
"""

PRINTED = "greetings 3 iniconfig pyinstaller iniconfig None 10\n"


def make_repository(root: Path) -> Repository:
    """Make a repository of this project and the plugin."""
    locks = (LOCKS / "pytest.lock").read_text()
    # Up to the first line that does not go on.
    locked = re.search(r"^iniconfig==(?:.*\\\n)*.*$", locks, re.MULTILINE)
    assert locked
    files = {
        "pants.toml": SETTINGS,
        "sample.lock": locked[0] + "\n",
        f"{PACKAGE}/BUILD": TARGETS,
        f"{PACKAGE}/__init__.py": "",
        f"{PACKAGE}/__main__.py": "import sys\n\nfrom .main import main\n\nsys.exit(main())\n",
        f"{PACKAGE}/main.py": MAIN,
        f"{PACKAGE}/greeting.txt": "greetings\n",
    }
    return Repository(root, files, plugins=["pyinstaller"], locks=["pyinstaller"])


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Return mode and content, or where it leads to, of all that is in a folder."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            str(path.readlink())
            if path.is_symlink()
            else hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def started(program: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program with nothing in its environment and no Python in its reach."""
    return subprocess.run(
        [program, *arguments], env={}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    root = tmp_path_factory.mktemp("repository")
    with make_repository(root) as repository:
        packaged = repository.pants("package", f"{PACKAGE}:folder", f"{PACKAGE}:single")
        assert packaged.returncode == 0, packaged.stderr
        yield repository
    shutil.rmtree(root)


@pytest.mark.parametrize("program", ["src.sample/folder/folder", "tools/sample"])
def test_folder_and_single_program_run_without_python(repository: Repository, program: str) -> None:
    ended = started(repository.root / "dist" / program, "3")

    assert (ended.stdout, ended.stderr, ended.returncode) == (PRINTED, "", 3)


def test_run_starts_the_program_and_passes_its_exit_code(repository: Repository) -> None:
    ended = repository.pants("run", f"{PACKAGE}:folder", "--", "3")

    assert (ended.stdout, ended.returncode) == (PRINTED, 3), ended.stderr


def test_an_edit_is_packaged_without_pyinstaller(repository: Repository) -> None:
    unheard_of = uuid4().hex  # no cache has it
    repository.write(
        f"{PACKAGE}/main.py", MAIN.replace("print(text", f'print("{unheard_of}", text')
    )
    packaged = repository.pants("package", f"{PACKAGE}:folder")
    ended = started(repository.root / "dist/src.sample/folder/folder", "3")
    repository.write(f"{PACKAGE}/main.py", MAIN)
    again = repository.pants("package", f"{PACKAGE}:folder")

    assert ended.stdout == f"{unheard_of} {PRINTED}", packaged.stderr
    assert "Completed: Compile the sources of src/sample:folder" in packaged.stderr
    assert "with PyInstaller" not in packaged.stderr
    assert again.returncode == 0, again.stderr


def test_a_build_elsewhere_at_another_time_is_the_same_to_the_bit(
    repository: Repository, tmp_path: Path
) -> None:
    elsewhere = make_repository(tmp_path / "another" / "folder")
    for path in elsewhere.root.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    packaged = elsewhere.pants(
        "--no-pantsd",
        "--no-local-cache",
        "package",
        f"{PACKAGE}:folder",
        f"{PACKAGE}:single",
        PYTHONHASHSEED="123",
        SOURCE_DATE_EPOCH="1000000000",
    )

    assert packaged.returncode == 0, packaged.stderr
    assert "Completed: Package what src/sample:folder imports with PyInstaller" in packaged.stderr
    built = tree(elsewhere.root / "dist")
    assert {"src.sample/folder/folder", "tools/sample"} <= built.keys()
    assert built == tree(repository.root / "dist")


def test_a_wrong_entry_point_is_explained(repository: Repository) -> None:
    refused = repository.pants("package", f"{PACKAGE}:wrong")

    assert refused.returncode == 1
    assert "error: there is no mian to start" in refused.stderr
    assert "hint: correct the entry_point of this pyinstaller_binary" in refused.stderr


def test_missing_binutils_are_explained(repository: Repository, tmp_path: Path) -> None:
    for name in ("bash", "cat", "cksum", "dirname", "env", "flock", "ldd", "mkdir", "sed", "tail"):
        found = shutil.which(name)
        if found:
            (tmp_path / name).symlink_to(found)

    refused = repository.pants("package", f"{PACKAGE}:folder", PATH=str(tmp_path))

    assert refused.returncode == 1
    assert "PATH has no objcopy and no objdump and no strip." in refused.stderr
    assert "apt-get install binutils" in refused.stderr
