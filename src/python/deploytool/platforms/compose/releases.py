"""What a revision's container is made from, kept for every installed revision."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.compose.project import Project, Section, Started
from deploytool.platforms.files import read, write
from deploytool.platforms.images import image_name, released_build, runnable_name
from deploytool.platforms.releases import Releases
from deploytool.system.release import ReleasedBuild
from deploytool.system.revision import Revision

_NAME = "container.json"


class Container(BaseModel):
    """The image and the service's section of the Compose file as they were when installed.

    released: the image of a release, when it was one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    image: str
    section: Section
    released: ReleasedBuild | None = None


class ComposeReleases(Releases):
    """The installed revisions of one state folder."""

    def __init__(self, folder: Path, project: Project) -> None:
        super().__init__(folder, _NAME, self._keep_container)
        self._project = project

    def started(self, revision: Revision, role: Role, environment: dict[str, str]) -> Started:
        """Return what runs an installed revision. Raises PlatformFailed when it is not."""
        container = self._container(revision)
        if container is None:
            raise PlatformFailed(
                f"{revision.component} {revision.id} is not installed",
                why=f"there is no {self.artifact(revision)}",
                hint=f"choose one that `deploytool status` lists for {revision.component}",
            )
        return Started(
            component=revision.component,
            role=role,
            revision=revision.id,
            image=container.image,
            section=container.section,
            environment=environment,
        )

    def released(self, revision: Revision) -> ReleasedBuild | None:
        """Return the image of a release that an installed revision runs; None without."""
        container = self._container(revision)
        return None if container is None else container.released

    def holds(self, revision: Revision, artifact: Path) -> bool:
        """Tell whether the revision is kept, with the very image of the artifact."""
        container = self._container(revision)
        return container is not None and container.image == runnable_name(artifact)

    def _container(self, revision: Revision) -> Container | None:
        text = read(self.artifact(revision)) if self.is_installed(revision) else None
        return None if text is None else Container.model_validate_json(text)

    def _keep_container(self, artifact: Path, to: Path, revision: Revision) -> None:
        component, image = revision.component, image_name(artifact)
        if self._project.fingerprint(component, image) != revision.artifact:
            raise InvalidInput(
                f"the artifact of {component} is not that of revision {revision.id}",
                why=f"{artifact.name} or the Compose file changed since the revision was named",
                hint="repeat the command",
            )
        section = self._project.own_section(component)
        container = Container(
            image=runnable_name(artifact), section=section, released=released_build(artifact)
        )
        write(to, container.model_dump_json(indent=2))
