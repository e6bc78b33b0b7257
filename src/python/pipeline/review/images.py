"""The difference of images: bytes by layer, and packages added or removed."""

import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.summary import plain, table

_MB = 1_000_000
# Pants writes it beside what else it packages.
_BUILT = "*.docker-info.json"


@dataclass(frozen=True)
class Image:
    """What is in an image. layers: digest of the contents -> bytes, in their order, the base first.

    packages: (kind, name) -> versions.
    """

    tag: str
    layers: Mapping[str, int]
    packages: Mapping[tuple[str, str], frozenset[str]]

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(self.layers.values())


def forget_built(dist: Path) -> None:
    """Forget which images Pants has packaged: one that is gone since would still be told."""
    for file in dist.rglob(_BUILT):
        file.unlink()


def built(dist: Path) -> dict[str, str]:
    """Return the name of each image that Pants has packaged, with the tag that is its content's."""
    found = {}
    for file in dist.rglob(_BUILT):
        [registry] = json.loads(file.read_text(encoding="utf-8"))["registries"]
        # The other tag says that it was built here last.
        found[registry["repository"]] = str(registry["tags"][0]["name"])
    return found


def read_image(name: str, syft: Path, folder: Path) -> Image:
    """Return what is in an image of the engine; files are laid into the folder meanwhile.

    Raises CalledProcessError, with what docker or syft said.
    """
    archive = folder / "image.tar"
    _run("docker", "save", f"--output={archive}", name)
    bill = json.loads(
        _run(str(syft), "scan", f"docker-archive:{archive}", "--output=syft-json", "--quiet")
    )
    return Image(name.partition(":")[2], layers_of(archive), packages_of(bill))


def layers_of(archive: Path) -> dict[str, int]:
    """Return the layers in what `docker save` wrote, with their bytes, in their order."""
    with tarfile.open(archive) as files:
        [manifest] = _json(files, "manifest.json")
        digests = _json(files, manifest["Config"])["rootfs"]["diff_ids"]
        sizes = [_resolved(files, path).size for path in manifest["Layers"]]
    return dict(zip(digests, sizes, strict=True))


def packages_of(bill: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    """Return the packages of a bill of syft, with their versions."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for each in bill["artifacts"]:
        key = (str(each["type"]), str(each["name"]))
        found[key] = found.get(key, frozenset()) | {str(each["version"])}
    return found


def told(before: Mapping[str, Image], after: Mapping[str, Image]) -> str:
    """Return the differences by image, as Markdown; those alike are left out."""
    parts = [
        _of_image(name, before.get(name), after.get(name)) for name in sorted({*before, *after})
    ]
    return "\n\n".join(part for part in parts if part) or "No image changes."


def _of_image(name: str, before: Image | None, after: Image | None) -> str:
    if before is None or after is None:
        found = before or after
        assert found is not None
        word = "new" if before is None else "gone"
        return f"**{name}**: {word}, {_megabytes(found.size)}."
    if before.tag == after.tag:
        return ""
    sign = "+" if after.size >= before.size else "-"
    heading = (
        f"**{name}** `{before.tag[:12]}` → `{after.tag[:12]}`: {_megabytes(after.size)} "
        f"({sign}{_megabytes(abs(after.size - before.size))})"
    )
    return "\n\n".join((heading, _layers(before, after), _packages(before, after)))


def _layers(before: Image, after: Image) -> str:
    rows = [
        *((f"- `{digest[7:19]}`", f"-{size}") for digest, size in _only(before, after)),
        *((f"+ `{digest[7:19]}`", f"+{size}") for digest, size in _only(after, before)),
    ]
    kept = sum(digest in before.layers for digest in after.layers)
    if not rows:
        return f"All {kept} layers are the same: only its settings differ."
    return f"{table(('layer', 'bytes'), rows)}\n\n{kept} layers stay."


def _only(one: Image, other: Image) -> Sequence[tuple[str, int]]:
    return [(digest, size) for digest, size in one.layers.items() if digest not in other.layers]


def _packages(before: Image, after: Image) -> str:
    rows = []
    for key in sorted({*before.packages, *after.packages}):
        was = before.packages.get(key, frozenset())
        now = after.packages.get(key, frozenset())
        if was != now:
            rows.append((key[0], plain(key[1]), _versions(was), _versions(now)))
    if not rows:
        return "The packages are the same."
    return table(("packages", "name", "before", "after"), rows)


def _versions(found: frozenset[str]) -> str:
    return plain(", ".join(sorted(found))) or "-"


def _megabytes(size: int) -> str:
    return f"{size / _MB:.2f} MB"


def _json(files: tarfile.TarFile, name: str) -> Any:
    content = files.extractfile(name)
    assert content is not None
    return json.load(content)


def _resolved(files: tarfile.TarFile, path: str) -> tarfile.TarInfo:
    """Return the entry of a layer; older engines link to those that are there twice."""
    entry = files.getmember(path)
    if not entry.issym():
        return entry
    parts: list[str] = []
    for part in (*path.split("/")[:-1], *entry.linkname.split("/")):
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return files.getmember("/".join(parts))


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
