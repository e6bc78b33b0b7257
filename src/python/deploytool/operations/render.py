"""Write what a target's manifests are with the images of a release, for whoever else applies them.

A team whose Git folder is applied by Argo CD or Flux commits the file; no cluster is asked.
"""

from collections.abc import Callable
from pathlib import Path

from deploytool.errors import InvalidInput, Place
from deploytool.operations.context import Context
from deploytool.record.file_store import write_durably


def render(context: Context, rendered: Callable[[], str], folder: Path) -> Path:
    """Write the manifests into the folder, as TARGET.yaml; return the file.

    rendered: returns them. Raises InvalidInput when they cannot be written.
    """
    assert context.release is not None
    release, file = context.release.release, folder / f"{context.target}.yaml"
    head = (
        f"# Written by `deploytool render`: release {context.release.digest},\n"
        f"# made of commit {release.commit} of {release.repository}.\n"
    )
    text = head + rendered()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(file, text, 0o644)
    except OSError as error:
        raise InvalidInput(
            "the manifests cannot be written",
            why=str(error),
            hint="name another folder",
            place=Place(file),
        ) from error
    return file
