"""Images as artifacts: the file that Pants writes beside each one it built, and that of a release.

Both name an image by the tag that stands for its content; that of a release says as well where it
is pulled from.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from deploytool.errors import InvalidInput, Place
from deploytool.system.release import ReleasedBuild

_RELEASED = "released"


def image_name(artifact: Path) -> str:
    """Return the name, with the tag that stands for its content, of the image that was built.

    Raises InvalidInput when the file is not what Pants writes, OSError when there is none.
    """
    try:
        built = json.loads(artifact.read_text(encoding="utf-8"))
        return str(built["registries"][0]["tags"][0]["name"])
    except (ValueError, LookupError, TypeError) as error:
        raise _unknown(artifact, error) from error


def released_build(artifact: Path) -> ReleasedBuild | None:
    """Return the image of a release that an artifact is; None for one that was built here.

    Raises as image_name does.
    """
    try:
        found = json.loads(artifact.read_text(encoding="utf-8")).get(_RELEASED)
        return None if found is None else ReleasedBuild.model_validate(found)
    except (ValueError, ValidationError, AttributeError) as error:
        raise _unknown(artifact, error) from error


def runnable_name(artifact: Path) -> str:
    """Return the name by which an engine on this machine runs an image: a release's by its digest.

    Raises as image_name does.
    """
    build = released_build(artifact)
    return image_name(artifact) if build is None else build.image.image


def write_artifacts(folder: Path, builds: Mapping[str, ReleasedBuild]) -> dict[str, Path]:
    """Write an artifact for each image of a release; return them by the same names."""
    artifacts = {name: folder / f"{name}.json" for name in builds}
    for name, build in builds.items():
        content = {
            "registries": [{"tags": [{"name": build.image.name}]}],
            _RELEASED: build.model_dump(),
        }
        artifacts[name].write_text(json.dumps(content), encoding="utf-8")
    return artifacts


def image_base(image: str) -> str:
    """Return an image's name without registry, path, tag and digest."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def _unknown(artifact: Path, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"{artifact.name} does not say which image was built",
        why=f"{type(error).__name__}: {error}",
        hint="see that the deployment target lists a docker_image for this component",
        place=Place(artifact),
    )
