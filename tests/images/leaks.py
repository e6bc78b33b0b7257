"""Searches for values that nobody may see: in images, in what the engine tells, in processes.

Of each value, itself and what base64 makes of it wherever it stands in a longer text.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from docker.models.containers import Container
from docker.models.images import Image


def needles(value: str) -> set[bytes]:
    """Return the forms of one value that are searched for."""
    raw = value.encode()
    found = {raw}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        # The first and last letters mix with what stands beside the value.
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        found |= {encoded[first:last], encoded[first:last].replace(b"+", b"-").replace(b"/", b"_")}
    return found


def leaks(
    values: Mapping[str, str],
    *,
    images: Sequence[Image] = (),
    containers: Sequence[Container] = (),
) -> list[str]:
    """Return a sentence for each place where a value is seen.

    values: what is secret, by a name that the sentences use.
    """
    wanted = {name: needles(value) for name, value in values.items()}
    return [
        f"{name} is in {place}"
        for place, chunks in (*_of_images(images), *_of_containers(containers))
        for name in sorted(_seen(wanted, chunks))
    ]


def _of_images(images: Sequence[Image]) -> Iterator[tuple[str, Iterable[bytes]]]:
    for image in images:
        name = image.tags[0] if image.tags else str(image.id)
        yield f"layers of {name}", image.save()
        yield f"docker history {name}", [json.dumps(image.history()).encode()]
        yield f"docker inspect {name}", [json.dumps(image.attrs).encode()]


def _of_containers(containers: Sequence[Container]) -> Iterator[tuple[str, Iterable[bytes]]]:
    for container in containers:
        container.reload()
        yield f"docker inspect {container.name}", [json.dumps(container.attrs).encode()]
        yield f"docker logs {container.name}", [container.logs()]
        if container.status == "running":
            processes = container.top(ps_args="-eo pid,args")
            yield f"argv of {container.name}", [json.dumps(processes).encode()]


def _seen(wanted: Mapping[str, set[bytes]], chunks: Iterable[bytes]) -> set[str]:
    longest = max(len(needle) for forms in wanted.values() for needle in forms)
    seen: set[str] = set()
    tail = b""
    for chunk in chunks:
        text = tail + chunk
        seen |= {name for name, forms in wanted.items() if any(each in text for each in forms)}
        tail = text[-longest:]  # a value may begin in one chunk and end in the next
    return seen
