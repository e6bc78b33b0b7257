"""What is checked together: all objects that one apply would bring."""

from dataclasses import dataclass

from deploytool.manifests.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Rendering:
    """Objects of one apply. kubernetes: version of the API that they are for, as in 1.35."""

    manifests: tuple[Manifest, ...]
    kubernetes: str
