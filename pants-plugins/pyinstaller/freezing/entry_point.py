"""The entry point: whether it exists, and the script that calls it."""

from __future__ import annotations

import ast
import symtable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Sequence

from .errors import FreezingError


def call_script(module: str, function: str, path: Sequence[str]) -> str:
    """Return the script that calls a function, as an installed console script does.

    `path`: where to look, as in sys.path; nothing of the application is imported for it.
    Raises FreezingError when there is no such module or no such function in it.
    """
    name = function.split(".", maxsplit=1)[0]
    origin = _find(module, path).origin
    if origin and origin.endswith(".py") and not _may_define(Path(origin), name):
        raise FreezingError(
            f"there is no {function} to start",
            f"the module {module} does not define it",
            "correct the entry_point of this pyinstaller_binary",
        )
    call = f'if __name__ == "__main__":\n    sys.exit({function}())\n'
    return f"import sys\n\nfrom {module} import {name}\n\n{call}"


def module_script(module: str) -> str:
    """Return the script that runs a module as `python -m` does."""
    return f'import runpy\n\nrunpy.run_module("{module}", run_name="__main__", alter_sys=True)\n'


def module_to_run(module: str, path: Sequence[str]) -> str:
    """Return the module of which `python -m module` runs the code: of a package its `__main__`.

    Raises FreezingError when there is none.
    """
    if not _find(module, path).submodule_search_locations:
        return module
    _find(f"{module}.__main__", path)
    return f"{module}.__main__"


def _find(module: str, path: Sequence[str]) -> ModuleSpec:
    places: list[str] = list(path)
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, places) if places else None
        if spec is None:
            raise FreezingError(
                f"there is no module {module} to start",
                f"{name} is in no source and no requirement of this pyinstaller_binary",
                "correct its entry_point, or add the owner of the module to its dependencies",
            )
        places = list(spec.submodule_search_locations or ())
    assert spec is not None  # split() gives at least one part
    return spec


def _may_define(file: Path, name: str) -> bool:
    source = file.read_text(encoding="utf-8")
    bound = {
        symbol.get_name()
        for symbol in symtable.symtable(source, str(file), "exec").get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    return name in bound or "__getattr__" in bound or _imports_all_of_another(source)


def _imports_all_of_another(source: str) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
        for node in ast.walk(ast.parse(source))
    )
