"""What of a source file decides which libraries are packaged."""

from __future__ import annotations

import ast

# What loads libraries by their file names, of ctypes; PyInstaller looks for calls of these.
LOADERS = {"CDLL", "LoadLibrary", "PyDLL", "find_library"}


def outline(source: str, name: str) -> str:
    """Return the imports of a source file, wherever in it they stand, and what loads libraries.

    For PyInstaller it stands for the file. Edits of anything else leave it as it is, so what was
    packaged for it still fits. Raises SyntaxError, with `name` as the file.
    """
    statements = {ast.unparse(node) for node in ast.walk(ast.parse(source, name)) if _decides(node)}
    return "".join(f"{statement}\n" for statement in sorted(statements))


def _decides(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module != "__future__"
    if isinstance(node, ast.Call):
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
        return name in LOADERS and all(isinstance(each, ast.Constant) for each in node.args)
    return isinstance(node, ast.Import)
