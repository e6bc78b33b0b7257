"""The parts of the local platform, put together for one target."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from deploytool.errors import PlatformFailed
from deploytool.platforms.base import MigrationKind
from deploytool.platforms.local import dbmate
from deploytool.platforms.local.artifacts import copy_pex
from deploytool.platforms.local.database import LocalDatabase
from deploytool.platforms.local.detachment import Detachment
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.local.foundation import Foundation
from deploytool.platforms.local.gateway import LocalGateway
from deploytool.platforms.local.health import Health
from deploytool.platforms.local.supervision import Supervisor
from deploytool.platforms.local.tools import Toolbox, Tools
from deploytool.platforms.migration_sessions import session_settings
from deploytool.platforms.migrations import Migrations
from deploytool.platforms.ports import Ports
from deploytool.platforms.releases import Releases
from deploytool.platforms.secrets import Secrets
from deploytool.record.file_store import FileStore
from deploytool.system.declaration import System
from deploytool.system.targets import LocalTarget


class Parts:
    """What a target on this machine consists of."""

    def __init__(
        self,
        *,
        target: LocalTarget,
        system: System,
        state: Path,
        root: Path,
        deploy: Path,
        runtime: Path | None,
        on_secret: Callable[[str], None],
        on_wait: Callable[[str], None],
    ) -> None:
        self.folder = StateFolder(state)
        self.store = FileStore(state)
        self.ports = Ports(self.folder.ports)
        self.secrets = Secrets(self.folder.secrets, on_secret)
        self.toolbox = Toolbox(self.folder, runtime, on_wait)
        self.supervisor = Supervisor(self.folder, self.ports, self.secrets)
        self.detachment = Detachment(self.folder, self.supervisor, root)
        self.releases = Releases(self.folder.releases, "app.pex", copy_pex)
        name, database = system.database
        self._session = session_settings(database.lock_timeout_s)
        self.database = LocalDatabase(name, database.database, self.folder, self.secrets)
        self._migration_files = deploy / database.migrations
        self.migrations = Migrations(
            self._migration_files,
            self.rows,
            self._run_dbmate,
            self.secrets.mask,
            database.lock_timeout_s,
        )
        self.gateway = LocalGateway(system.gateway, self.folder, self.ports)
        self.health = Health(
            self.folder, self.supervisor, self.database, self.gateway, self.secrets
        )
        self.foundation = Foundation(
            target,
            system,
            self.supervisor,
            self.database,
            self.gateway,
            self.health,
            self.ports,
        )

    def tools(self) -> Tools:
        """Return the programs that are installed. Raises PlatformFailed when none are."""
        tools = self.toolbox.installed()
        if tools is None:
            raise PlatformFailed(
                "this target is not set up",
                why=f"there are no tools in {self.folder.tools}",
                hint="run `deploytool up`",
            )
        return tools

    def database_port(self) -> int:
        """Return the port that PostgreSQL was given, 0 before it was given one."""
        return self.ports.known(self.database.port_name) or 0

    def rows(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Run a read-only query by psql."""
        return self.database.rows(self.tools(), self.database_port(), sql)

    def _run_dbmate(self, kind: MigrationKind, look: Callable[[], None]) -> "CompletedProcess[str]":
        return dbmate.apply(
            self.tools().dbmate,
            self._migration_files,
            kind,
            database=self.database.name,
            environment={**self.database.environment(self.database_port()), **self._session},
            look=look,
        )
