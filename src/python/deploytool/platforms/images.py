"""Images as Pants names them in the file that it writes beside each one it built."""

import json
from pathlib import Path

from deploytool.errors import InvalidInput, Place


def image_name(artifact: Path) -> str:
    """Return the name, with the tag that stands for its content, of the image that was built.

    Raises InvalidInput when the file is not what Pants writes, OSError when there is none.
    """
    try:
        built = json.loads(artifact.read_text(encoding="utf-8"))
        return str(built["registries"][0]["tags"][0]["name"])
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidInput(
            f"{artifact.name} does not say which image was built",
            why=f"{type(error).__name__}: {error}",
            hint="see that the deployment target lists a docker_image for this component",
            place=Place(artifact),
        ) from error
