"""Installed revisions: artifact and configuration, copied, so that no build is needed later."""

import shutil
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from deploytool.errors import InvalidInput
from deploytool.platforms.local.folder import StateFolder, disk, read, write
from deploytool.system.revision import Revision, digest_of

# Beside those that are needed: a build that is tried again soon need not be copied again.
_KEPT = 5


class Releases:
    """The installed revisions of one state folder."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder

    def artifact(self, revision: Revision) -> Path:
        """Return the file that runs a revision."""
        return self._place(revision.component, revision.id) / "app.pex"

    def is_installed(self, revision: Revision) -> bool:
        """Tell whether the revision is kept, complete."""
        return (self._place(revision.component, revision.id) / "revision.json").is_file()

    def install(self, revision: Revision, artifact: Path) -> None:
        """Keep a revision. Raises InvalidInput when the artifact is not the revision's."""
        place = self._place(revision.component, revision.id)
        with disk("installing", place):
            if not self.is_installed(revision):
                self._folder.require_space()
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._copy(artifact, self.artifact(revision), revision)
            # Written last, so that a folder with it is complete; written again, so that what
            # was installed last is the newest.
            write(place / "revision.json", revision.model_dump_json(indent=2))

    def revisions(self, component: str) -> list[Revision]:
        """Return the installed revisions, newest first."""
        found: list[tuple[float, Revision]] = []
        for path in (self._folder.releases / component).glob("*/revision.json"):
            try:
                revision = Revision.model_validate_json(read(path) or "")
            except ValidationError:
                continue  # not installed completely: the next install repairs it
            found.append((path.stat().st_mtime, revision))
        return [revision for _, revision in sorted(found, key=lambda item: item[0], reverse=True)]

    def prune(self, component: str, needed: Collection[str]) -> None:
        """Remove all revisions but the newest few and those given."""
        for revision in self.revisions(component)[_KEPT:]:
            if revision.id not in needed:
                shutil.rmtree(self._place(component, revision.id), ignore_errors=True)

    def _copy(self, artifact: Path, to: Path, revision: Revision) -> None:
        temporary = to.with_name(".app.pex.tmp")
        try:
            shutil.copyfile(artifact, temporary)
        except FileNotFoundError as error:
            raise InvalidInput(
                f"the artifact of {revision.component} is missing",
                why=str(error),
                hint="start deploytool by `./pants run deploytool -- ...`",
            ) from error
        if digest_of(temporary) != revision.artifact:
            temporary.unlink()
            raise InvalidInput(
                f"the artifact of {revision.component} is not that of revision {revision.id}",
                why=f"the content of {artifact} changed since the revision was named",
                hint="repeat the command",
            )
        temporary.chmod(0o600)
        temporary.replace(to)

    def _place(self, component: str, revision: str) -> Path:
        return self._folder.releases / component / revision
