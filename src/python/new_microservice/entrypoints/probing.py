"""Asks one question: the service on this machine, if the platform cannot ask over the network.

Or anybody else, to see whether he is reached from here: the image has no other program.
"""

import http.client
import os
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

# Longer than a readiness check takes that finds the database gone.
TIMEOUT_S = 3.0
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  (compared with, not listened on)


def probe(arguments: Sequence[str]) -> int:
    """Return 0 when the path given is answered with 200, else 1 and say why on stderr."""
    if len(arguments) != 1 or not arguments[0].startswith(("/", "http://")):
        print("usage: probe PATH, or probe http://HOST:PORT/PATH", file=sys.stderr)  # noqa: T201
        return 2
    asked = urlsplit(arguments[0])
    host = asked.hostname or os.environ.get("LISTEN_HOST", "127.0.0.1")
    connection = http.client.HTTPConnection(
        "127.0.0.1" if host in EVERYWHERE else host,
        asked.port or int(os.environ.get("LISTEN_PORT", "0")),
        timeout=TIMEOUT_S,
    )
    try:
        connection.connect()
    except OSError as error:
        print(f"no answer: no connection: {error}", file=sys.stderr)  # noqa: T201
        return 1
    try:
        connection.request("GET", asked._replace(scheme="", netloc="").geturl() or "/")
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
