"""What the file system of a saved image holds."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Contents:
    """The entries of all layers, later ones over earlier ones; paths have no slash in front."""

    entries: dict[str, tarfile.TarInfo]
    # Of files below 1 MB.
    texts: dict[str, bytes]

    def programs(self) -> set[str]:
        """Return the names of everything that can be executed or is a link."""
        return {
            Path(path).name
            for path, entry in self.entries.items()
            if entry.issym() or (entry.isfile() and entry.mode & 0o111)
        }

    def below(self, folder: str) -> set[str]:
        """Return the names right in a folder."""
        prefix = f"{folder}/"
        return {
            path.removeprefix(prefix).split("/", 1)[0]
            for path in self.entries
            if path.startswith(prefix)
        }


def layers(archive: tarfile.TarFile) -> list[IO[bytes]]:
    """Return the layers of what `docker save` wrote, each as a tar."""
    manifest = archive.extractfile("manifest.json")
    assert manifest is not None
    found = [archive.extractfile(layer) for layer in json.load(manifest)[0]["Layers"]]
    return [layer for layer in found if layer is not None]


def read_contents(path: Path) -> Contents:
    entries: dict[str, tarfile.TarInfo] = {}
    texts: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for layer in layers(archive):
            with tarfile.open(fileobj=io.BufferedReader(layer)) as files:  # type: ignore[type-var]
                for entry in files:
                    entries[entry.name] = entry
                    if entry.isfile() and entry.size < 1_000_000:
                        content = files.extractfile(entry)
                        assert content is not None
                        texts[entry.name] = content.read()
    return Contents(entries, texts)
