"""What the terminal can do."""

from collections.abc import Mapping
from typing import TextIO


def can_redraw(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether the stream is a terminal that can show a live view with all its characters."""
    encoding = stream.encoding.lower().replace("-", "")
    return stream.isatty() and environment.get("TERM", "dumb") != "dumb" and encoding == "utf8"
