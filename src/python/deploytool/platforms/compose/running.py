"""What should run on a Compose target, kept in files and in the Compose file made from these."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from deploytool.errors import PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.compose.folder import StateFolder
from deploytool.platforms.compose.project import Project, Started
from deploytool.platforms.files import read, write

_STARTED = TypeAdapter(tuple[Started, ...])


class Running:
    """The revisions that run, or should. others: services of the Compose file beside these."""

    def __init__(self, folder: StateFolder, project: Project, others: Sequence[str]) -> None:
        self._folder = folder
        self._project = project
        self._others = others

    def all(self) -> Sequence[Started]:
        """Return every revision that should run."""
        text = read(self._folder.started)
        try:
            return _STARTED.validate_json(text) if text else ()
        except ValidationError as error:
            raise _damaged(self._folder.started, error) from error

    def of(self, component: str, role: Role) -> Started | None:
        """Return what should run of a component in a role."""
        wanted = (component, role)
        return next((s for s in self.all() if (s.component, s.role) == wanted), None)

    def add(self, started: Started) -> None:
        """Keep what should run, in place of what should until now."""
        self._keep([*self._without(started.component, started.role), started])

    def remove(self, component: str, role: Role) -> None:
        """Forget what should run."""
        self._keep(self._without(component, role))

    def forget(self) -> None:
        """Forget everything that should run."""
        self._keep([])

    def write_compose_file(self) -> None:
        """Write the Compose file of all that should run."""
        text = self._project.render(self.all(), self._others)
        if read(self._folder.compose_file) != text:
            write(self._folder.compose_file, text)

    def _without(self, component: str, role: Role) -> list[Started]:
        return [each for each in self.all() if (each.component, each.role) != (component, role)]

    def _keep(self, started: Sequence[Started]) -> None:
        write(self._folder.started, _STARTED.dump_json(tuple(started), indent=2).decode())
        self.write_compose_file()


def known_images(folder: StateFolder) -> dict[str, str]:
    """Return service -> image of those that are no revisions, as they were last deployed."""
    text = read(folder.images)
    try:
        return {str(service): str(image) for service, image in json.loads(text or "{}").items()}
    except (ValueError, AttributeError) as error:
        raise _damaged(folder.images, error) from error


def _damaged(path: Path, error: Exception) -> PlatformFailed:
    return PlatformFailed(
        f"{path} is damaged",
        why=str(error).splitlines()[0],
        hint="run `deploytool down`, delete the file, then `deploytool up`",
    )
