"""Artifacts of the local platform: PEX files, copied into the state folder."""

import shutil
from pathlib import Path

from deploytool.errors import InvalidInput
from deploytool.system.revision import Revision, digest_of


def copy_pex(artifact: Path, to: Path, revision: Revision) -> None:
    """Copy what was built. Raises InvalidInput when it is not the revision's, OSError."""
    shutil.copyfile(artifact, to)
    if digest_of(to) != revision.artifact:
        raise InvalidInput(
            f"the artifact of {revision.component} is not that of revision {revision.id}",
            why=f"the content of {artifact} changed since the revision was named",
            hint="repeat the command",
        )
