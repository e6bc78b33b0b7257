"""The result of a command on standard output: as JSON, or as the text given."""

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from deploytool.cli.calling import as_called
from deploytool.cli.options import Options
from deploytool.cli.output import tell


def show(options: Options, result: Any, text: str) -> None:
    """Print the result in the form that was asked for.

    Where it cannot be printed that is said, and changes nothing in how the command ended.
    """
    words = json.dumps(plain(result)) if options.is_json else as_called(text, options.target)
    trouble = tell(words)
    if trouble:
        tell(f"note: the result cannot be printed: {trouble}", is_error=True)


def plain(value: Any) -> Any:
    """Return dataclasses, models and enums as what JSON knows."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Enum():
            return value.value
        case Path():
            return str(value)
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value
