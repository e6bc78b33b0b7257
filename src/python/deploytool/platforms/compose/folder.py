"""The state folder of a Compose target: where each thing lies."""

from dataclasses import dataclass
from pathlib import Path

from deploytool.errors import InvalidInput

# The images run as another user than this tool: what they mount must be open to all. The state
# folder itself (mode 0700) keeps everybody else on this machine out.
OPEN_FILE, _OPEN_FOLDER = 0o444, 0o755


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The layout below one path. Only its user may look inside (mode 0700)."""

    path: Path

    @property
    def ports(self) -> Path:
        """Which port of this machine each thing is published on."""
        return self.path / "ports.json"

    @property
    def secrets(self) -> Path:
        """One file for each secret, mounted where it is needed."""
        return self.path / "secrets"

    @property
    def routes(self) -> Path:
        """One file for each routed component; the router watches this folder."""
        return self.path / "routes"

    @property
    def releases(self) -> Path:
        """Installed revisions: COMPONENT/REVISION/."""
        return self.path / "releases"

    @property
    def started(self) -> Path:
        """What runs, or should."""
        return self.path / "started.json"

    @property
    def images(self) -> Path:
        """The images of the services that are no revisions."""
        return self.path / "images.json"

    @property
    def compose_file(self) -> Path:
        """The Compose file that is made from the system's own."""
        return self.path / "compose.yaml"

    @property
    def tool(self) -> Path:
        """The copy of this tool that goes on with detached operations."""
        return self.path / "tool"

    def create(self) -> None:
        """Make all folders. Raises InvalidInput when the place is not writable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            for folder in (self.releases, self.tool):
                folder.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.secrets, self.routes):
                folder.mkdir(exist_ok=True)
                folder.chmod(_OPEN_FOLDER)
        except OSError as error:
            raise InvalidInput(
                f"the state folder {self.path} cannot be made",
                why=f"{error.strerror}: {error.filename}",
                hint="make that place writable for this user, or change `state` in targets.yaml",
            ) from error
