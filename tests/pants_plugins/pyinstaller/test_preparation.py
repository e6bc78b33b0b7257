"""Sources are compiled as the binary holds them, and outlined for PyInstaller."""

import importlib.util
from pathlib import Path

import pytest

from pyinstaller.freezing.errors import FreezingError
from pyinstaller.freezing.job import OUTLINES, SOURCES, Job
from pyinstaller.freezing.preparation import prepare


def make_job(mode: str = "onedir") -> Job:
    return Job(
        name="shop",
        mode=mode,
        module="shop.main",
        function="main",
        excluded_imports=[],
        hidden_imports=[],
        strip=False,
        source_roots=["src", "src/inner"],
        files=["src/shop/main.py", "src/shop/main.pyi", "src/shop/page.html", "src/inner/deep.py"],
        distributions=[],
    )


@pytest.fixture(autouse=True)
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox with sources below two roots, one in the other."""
    monkeypatch.chdir(tmp_path)
    for file in make_job().files:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import json\ndef main(): return 7\n")
    return tmp_path


def files(folder: str) -> list[str]:
    found = (path for path in Path(folder).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


def test_everything_stands_where_it_was_below_its_source_root() -> None:
    prepare(make_job())

    assert files(SOURCES) == ["deep.pyc", "shop/main.pyc", "shop/page.html"]
    assert files(OUTLINES) == ["deep.py", "shop/main.py"]
    assert Path(OUTLINES, "deep.py").read_text() == "import json\n"


def test_code_is_loaded_without_its_source_and_names_no_folder_of_the_sandbox() -> None:
    prepare(make_job())

    spec = importlib.util.spec_from_file_location("compiled", Path(SOURCES, "shop/main.pyc"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main() == 7
    assert module.main.__code__.co_filename == "shop/main.py"


@pytest.mark.parametrize(
    ("mode", "place"), [("onedir", 'os.pardir, "sources"'), ("onefile", 'sys._MEIPASS, "sources"')]
)
def test_the_script_looks_where_the_sources_will_be(mode: str, place: str) -> None:
    job = make_job(mode)
    prepare(job)

    script = Path(job.script).read_text()
    assert place in script
    assert script.index("sys.path.insert") < script.index("from shop.main import main")


@pytest.mark.parametrize("text", ["def", "return 1"])
def test_what_is_no_python_is_explained(text: str) -> None:
    Path("src/inner/deep.py").write_text(text)

    with pytest.raises(FreezingError, match=r"error: src/inner/deep\.py cannot be compiled"):
        prepare(make_job())
