"""Pods that write numbered lines, for those that read logs: see writer.c."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).with_name("writer.c")
# The registry that the cluster's nodes know by this name.
_IMAGE = "localhost:5055/writer:1"


def push_writer() -> None:
    """Compile the writer and put its image where pods find it. Needs Docker and gcc."""
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "writer"
        _run("gcc", "-static", "-O2", "-o", str(program), str(_SOURCE))
        (Path(place) / "Dockerfile").write_text(
            'FROM scratch\nCOPY writer /writer\nENTRYPOINT ["/writer"]\n'
        )
        _run("docker", "build", "--quiet", "--tag", _IMAGE, place)
        _run("docker", "push", "--quiet", _IMAGE)


def writer_pod(
    name: str, *, lines: int, lines_per_s: int, line_bytes: int, restart: str = "Never"
) -> dict[str, Any]:
    """Return the pod that writes. lines: 0 for until it is deleted."""
    words = [str(lines), str(lines_per_s), str(line_bytes)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": name}},
        "spec": {
            "restartPolicy": restart,
            "terminationGracePeriodSeconds": 10,
            # Pulled each time: the image of another content may have had the name.
            "containers": [
                {"name": name, "image": _IMAGE, "imagePullPolicy": "Always", "args": words}
            ],
        },
    }


def _run(*words: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{words[0]} failed: {done.stderr.strip()}")
