"""Standard output and standard error, which may have nobody at their other end any more."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

import click


def tell(text: str, *, is_error: bool = False) -> str:
    """Print a line; return why nobody can read it, "" when it was printed.

    The reader may have gone: that changes nothing in what was done.
    """
    try:
        click.echo(text, err=is_error)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def let_go(streams: Iterable[IO[str]]) -> None:
    """Have what is left in a stream that nobody reads go nowhere, or the process would fail."""
    for stream in streams:
        try:
            stream.flush()
        except OSError:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
