"""The state folder of a local target: where each thing lies, and how files get there."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from deploytool.errors import InvalidInput
from deploytool.platforms.files import no_space, require_space

# Tools, one release of each service and a fresh database fit in; less ends in a half-made target.
_NEEDED_BYTES = 300 * 1024 * 1024

# Environment variable that marks every process of a state folder with the folder's path.
MARKER = "DEPLOYTOOL_STATE"


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The layout below one path. Only its user may look inside (mode 0700)."""

    path: Path

    @property
    def ports(self) -> Path:
        """Which port each thing listens on."""
        return self.path / "ports.json"

    @property
    def secrets(self) -> Path:
        """One file for each secret, mode 0600."""
        return self.path / "secrets"

    @property
    def tools(self) -> Path:
        """The third-party programs, one folder for each version of the set."""
        return self.path / "tools"

    @property
    def releases(self) -> Path:
        """Installed revisions: COMPONENT/REVISION/."""
        return self.path / "releases"

    @property
    def database(self) -> Path:
        """PostgreSQL's files."""
        return self.path / "database"

    @property
    def gateway(self) -> Path:
        """The router's configuration."""
        return self.path / "gateway"

    @property
    def routes(self) -> Path:
        """One file for each routed component; the router watches this folder."""
        return self.gateway / "routes"

    @property
    def supervisor(self) -> Path:
        """The configuration and log of supervisord itself."""
        return self.path / "supervisor"

    @property
    def programs(self) -> Path:
        """What supervisord runs."""
        return self.supervisor / "programs"

    @property
    def starts(self) -> Path:
        """When each program was started, to count restarts."""
        return self.supervisor / "starts"

    @property
    def tool(self) -> Path:
        """The copy of this tool that goes on with detached operations."""
        return self.path / "tool"

    @property
    def logs(self) -> Path:
        """What the components wrote."""
        return self.path / "logs"

    @property
    def pex(self) -> Path:
        """Where PEX files unpack themselves."""
        return self.path / "pex"

    def create(self) -> None:
        """Make all folders. Raises InvalidInput when the place is not writable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            for folder in (
                self.secrets,
                self.tools,
                self.releases,
                self.database,
                self.routes,
                self.programs,
                self.starts,
                self.tool,
                self.logs,
                self.pex,
            ):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise no_space(self.path) from error
            raise InvalidInput(
                f"the state folder {self.path} cannot be made",
                why=f"{error.strerror}: {error.filename}",
                hint="make that place writable for this user, or change `state` in targets.yaml",
            ) from error

    def require_space(self) -> None:
        """Refuse to begin what cannot end. Raises PlatformFailed when the disk is nearly full."""
        require_space(self.path, _NEEDED_BYTES)


def is_root() -> bool:
    """Tell whether this is the superuser, as whom PostgreSQL refuses to run."""
    return os.geteuid() == 0
