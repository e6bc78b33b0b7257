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

PLUGIN = Path("pants-plugins/pyinstaller")
LOCKS = Path("3rdparty/python")

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = ["pants.backend.python", "pyinstaller"]
pantsd = false

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


def make_repository(root: Path) -> Path:
    """Make a repository of this project, the plugin and what starts Pants."""
    package = root / "src" / "sample"
    package.mkdir(parents=True)
    (root / "pants.toml").write_text(SETTINGS)
    (package / "BUILD").write_text(TARGETS)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys\n\nfrom .main import main\n\nsys.exit(main())\n"
    )
    (package / "main.py").write_text(MAIN)
    (package / "greeting.txt").write_text("greetings\n")
    # As its README.md says: the BUILD files are of the repository.
    shutil.copytree(PLUGIN, root / PLUGIN, ignore=shutil.ignore_patterns("BUILD", "__pycache__"))
    (root / LOCKS).mkdir(parents=True)
    for name in ("pants.lock", "pyinstaller.lock"):
        shutil.copy(LOCKS / name, root / LOCKS / name)
    locks = (LOCKS / "pytest.lock").read_text()
    # Up to the first line that does not go on.
    locked = re.search(r"^iniconfig==(?:.*\\\n)*.*$", locks, re.MULTILINE)
    assert locked
    (root / "sample.lock").write_text(locked[0] + "\n")
    shutil.copy("pants", root / "pants")
    return root


def pants(root: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run Pants with the caches that it has on this machine."""
    return subprocess.run(
        [root / "pants", "--no-dynamic-ui", *arguments],
        cwd=root,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


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
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = make_repository(tmp_path_factory.mktemp("repository"))
    packaged = pants(root, "package", "src/sample:folder", "src/sample:single")
    assert packaged.returncode == 0, packaged.stderr
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("program", ["src.sample/folder/folder", "tools/sample"])
def test_folder_and_single_program_run_without_python(repository: Path, program: str) -> None:
    ended = started(repository / "dist" / program, "3")

    assert (ended.stdout, ended.stderr, ended.returncode) == (PRINTED, "", 3)


def test_run_starts_the_program_and_passes_its_exit_code(repository: Path) -> None:
    ended = pants(repository, "run", "src/sample:folder", "--", "3")

    assert (ended.stdout, ended.returncode) == (PRINTED, 3), ended.stderr


def test_an_edit_is_packaged_without_pyinstaller(repository: Path) -> None:
    main = repository / "src/sample/main.py"
    unheard_of = uuid4().hex  # no cache has it
    main.write_text(MAIN.replace("print(text", f'print("{unheard_of}", text'))
    packaged = pants(repository, "package", "src/sample:folder")
    ended = started(repository / "dist/src.sample/folder/folder", "3")
    main.write_text(MAIN)
    again = pants(repository, "package", "src/sample:folder")

    assert ended.stdout == f"{unheard_of} {PRINTED}", packaged.stderr
    assert "Completed: Compile the sources of src/sample:folder" in packaged.stderr
    assert "with PyInstaller" not in packaged.stderr
    assert again.returncode == 0, again.stderr


def test_a_build_elsewhere_at_another_time_is_the_same_to_the_bit(
    repository: Path, tmp_path: Path
) -> None:
    elsewhere = make_repository(tmp_path / "another" / "folder")
    for path in elsewhere.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    packaged = pants(
        elsewhere,
        "--no-local-cache",
        "package",
        "src/sample:folder",
        "src/sample:single",
        PYTHONHASHSEED="123",
        SOURCE_DATE_EPOCH="1000000000",
    )

    assert packaged.returncode == 0, packaged.stderr
    assert "Completed: Package what src/sample:folder imports with PyInstaller" in packaged.stderr
    built = tree(elsewhere / "dist")
    assert {"src.sample/folder/folder", "tools/sample"} <= built.keys()
    assert built == tree(repository / "dist")


def test_a_wrong_entry_point_is_explained(repository: Path) -> None:
    refused = pants(repository, "package", "src/sample:wrong")

    assert refused.returncode == 1
    assert "error: there is no mian to start" in refused.stderr
    assert "hint: correct the entry_point of this pyinstaller_binary" in refused.stderr


def test_missing_binutils_are_explained(repository: Path, tmp_path: Path) -> None:
    for name in ("bash", "cat", "cksum", "dirname", "env", "flock", "ldd", "mkdir", "sed", "tail"):
        found = shutil.which(name)
        if found:
            (tmp_path / name).symlink_to(found)

    refused = pants(repository, "package", "src/sample:folder", PATH=str(tmp_path))

    assert refused.returncode == 1
    assert "PATH has no objcopy and no objdump and no strip." in refused.stderr
    assert "apt-get install binutils" in refused.stderr
