"""Only what decides about libraries is left of a source: edits of anything else change nothing."""

import pytest

from pyinstaller.freezing.imports import outline

SOURCE = """
from __future__ import annotations

import os.path as p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


def work():
    try:
        from .speedups import fast
    except ImportError:
        import slow as fast
    return fast, ctypes.CDLL("libfoo.so.1"), find_library(name)
"""

OUTLINE = """\
ctypes.CDLL('libfoo.so.1')
from .speedups import fast
from decimal import Decimal
from typing import TYPE_CHECKING
import os.path as p
import slow as fast
"""


def test_imports_are_found_wherever_they_stand() -> None:
    assert outline(SOURCE, "work.py") == OUTLINE


@pytest.mark.parametrize(
    "edited",
    [
        SOURCE.replace("work", "labour"),
        SOURCE + "\nLIMIT = 5  # a comment\n",
        "import os.path as p\n" + SOURCE.replace("import os.path as p\n", ""),
    ],
)
def test_other_edits_leave_the_outline_as_it_is(edited: str) -> None:
    assert outline(edited, "work.py") == OUTLINE


@pytest.mark.parametrize("added", ["import json", "ctypes.CDLL('libbar.so')"])
def test_another_library_changes_it(added: str) -> None:
    assert added in outline(f"{SOURCE}\n{added}\n", "work.py").splitlines()


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        outline("def", "work.py")
