"""Images of one static program each, since no registry of images can be asked for others."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from tests.cluster.layout import NAME

_REPOSITORY = f"{NAME}.local"
PAUSE = f"{_REPOSITORY}/pause:1"
# Waits in a pod to be asked, and asks others; see node/probe/main.go.
PROBE = f"{_REPOSITORY}/probe:1"
COREDNS = f"{_REPOSITORY}/coredns:1"
_ALL = (PAUSE, PROBE, COREDNS)


def write_images(programs: Path, folder: Path) -> None:
    """Write an archive, as `docker save` would, of each image. programs: the built ones."""
    folder.mkdir()
    for image in _ALL:
        program = image.removeprefix(f"{_REPOSITORY}/").partition(":")[0]
        write_image(image, programs / program, folder / f"{program}.tar")


def write_image(image: str, program: Path, archive: Path) -> None:
    """Write the archive of an image that holds nothing but a static program, which it runs."""
    layer = _layer(program)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65532"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "config.json", json.dumps(config).encode())
        _add(tar, "layer.tar", layer)
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _layer(program: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        _add(tar, program.name, program.read_bytes(), mode=0o755)
    return content.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))
