"""Installed revisions: what starts them again, kept, so that no build is needed later."""

import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from pydantic import ValidationError

from deploytool.errors import InvalidInput
from deploytool.platforms.files import disk, read, write
from deploytool.system.revision import Revision

Keep = Callable[[Path, Path, Revision], None]

# Beside those that are needed: a build that is tried again soon need not be copied again.
_KEPT = 5


class Releases:
    """The installed revisions below one folder: COMPONENT/REVISION/.

    name: of the file that starts a revision. keep: makes that file at the second path from the
    artifact at the first; it raises what is wrong with it.
    """

    def __init__(self, folder: Path, name: str, keep: Keep) -> None:
        self._folder = folder
        self._name = name
        self._keep = keep

    def artifact(self, revision: Revision) -> Path:
        """Return the file that starts a revision."""
        return self._place(revision.component, revision.id) / self._name

    def is_installed(self, revision: Revision) -> bool:
        """Tell whether the revision is kept, complete."""
        return (self._place(revision.component, revision.id) / "revision.json").is_file()

    def install(self, revision: Revision, artifact: Path) -> None:
        """Keep a revision. Raises InvalidInput when there is no artifact, or another one."""
        place = self._place(revision.component, revision.id)
        with disk("installing", place):
            if not self.is_installed(revision):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._make(artifact, self.artifact(revision), revision)
            # Written last, so that a folder with it is complete; written again, so that what
            # was installed last is the newest.
            write(place / "revision.json", revision.model_dump_json(indent=2))

    def revisions(self, component: str) -> list[Revision]:
        """Return the installed revisions, newest first."""
        found: list[tuple[float, Revision]] = []
        for path in (self._folder / component).glob("*/revision.json"):
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

    def _make(self, artifact: Path, to: Path, revision: Revision) -> None:
        temporary = to.with_name(f".{to.name}.tmp")
        try:
            self._keep(artifact, temporary, revision)
        except FileNotFoundError as error:
            raise InvalidInput(
                f"the artifact of {revision.component} is missing",
                why=str(error),
                hint="start deploytool by `./pants run deploytool -- ...`",
            ) from error
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        temporary.chmod(0o600)
        temporary.replace(to)

    def _place(self, component: str, revision: str) -> Path:
        return self._folder / component / revision
