"""A wrong entry point is found before anything is built, and without importing the application."""

from pathlib import Path

import pytest

from pyinstaller.freezing.entry_point import call_script, module_script, module_to_run
from pyinstaller.freezing.errors import FreezingError

MODULE = """
raise SystemExit("imported")

from os import getcwd
if True:
    def defined(): ...
assigned = print
class Program:
    run = print
used()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "main.py").write_text(MODULE)
    (package / "star.py").write_text("from shop.main import *")
    (package / "lazy.py").write_text("def __getattr__(name): ...")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("shop.main", "defined"),
        ("shop.main", "assigned"),
        ("shop.main", "getcwd"),
        ("shop.main", "Program.run"),
        # These may have any name.
        ("shop.star", "anything"),
        ("shop.lazy", "anything"),
    ],
)
def test_a_function_that_exists_is_called(root: Path, module: str, function: str) -> None:
    script = call_script(module, function, [str(root)])

    assert f"from {module} import {function.split('.', maxsplit=1)[0]}\n" in script
    assert f"sys.exit({function}())" in script


@pytest.mark.parametrize("function", ["other", "used", "main"])
def test_a_function_that_does_not_exist_is_refused(root: Path, function: str) -> None:
    with pytest.raises(FreezingError) as refused:
        call_script("shop.main", function, [str(root)])

    assert str(refused.value) == (
        f"error: there is no {function} to start\n"
        "  why:  the module shop.main does not define it\n"
        "  hint: correct the entry_point of this pyinstaller_binary"
    )


@pytest.mark.parametrize(
    ("module", "part"),
    [("shopp.main", "shopp"), ("shop.min", "shop.min"), ("shop.main.deep", "shop.main.deep")],
)
def test_a_module_that_does_not_exist_is_refused(root: Path, module: str, part: str) -> None:
    with pytest.raises(FreezingError, match=f"no module {module} to start\n  why:  {part} is in"):
        call_script(module, "main", [str(root)])


def test_a_module_alone_is_run_as_by_python_m(root: Path) -> None:
    assert module_to_run("shop.main", [str(root)]) == "shop.main"
    assert 'run_module("shop.main", run_name="__main__"' in module_script("shop.main")


def test_of_a_package_its_main_is_run(root: Path) -> None:
    with pytest.raises(FreezingError, match=r"no module shop\.__main__"):
        module_to_run("shop", [str(root)])

    (root / "shop" / "__main__.py").touch()
    assert module_to_run("shop", [str(root)]) == "shop.__main__"
