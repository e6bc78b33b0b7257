"""Asks the service on this machine one question, if the platform cannot ask over the network."""

import http.client
import os
import sys
from collections.abc import Sequence

# Longer than a readiness check takes that finds the database gone.
TIMEOUT_S = 3.0
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  (compared with, not listened on)


def probe(arguments: Sequence[str]) -> int:
    """Return 0 when the path given is answered with 200, else 1 and say why on stderr."""
    if len(arguments) != 1 or not arguments[0].startswith("/"):
        print("usage: probe PATH, as in: probe /readyz", file=sys.stderr)  # noqa: T201
        return 2
    host = os.environ.get("LISTEN_HOST", "127.0.0.1")
    connection = http.client.HTTPConnection(
        "127.0.0.1" if host in EVERYWHERE else host,
        int(os.environ.get("LISTEN_PORT", "0")),
        timeout=TIMEOUT_S,
    )
    try:
        connection.request("GET", arguments[0])
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {error}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        connection.close()
    if answer.status != http.client.OK:
        print(f"{answer.status}: {text}", file=sys.stderr)  # noqa: T201
        return 1
    return 0
