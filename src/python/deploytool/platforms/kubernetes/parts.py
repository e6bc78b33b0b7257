"""The parts of the Kubernetes platform, put together for one target."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.platforms.base import MigrationKind
from deploytool.platforms.detachment import Detachment
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.connections import Connections
from deploytool.platforms.kubernetes.database import ClusterDatabase
from deploytool.platforms.kubernetes.foundation import Foundation
from deploytool.platforms.kubernetes.gateway import ClusterGateway
from deploytool.platforms.kubernetes.images import ClusterImages
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.jobs import Jobs
from deploytool.platforms.kubernetes.kubectl import Kubectl
from deploytool.platforms.kubernetes.manifests import Manifests, parse, with_release
from deploytool.platforms.kubernetes.objects import Object, with_environment
from deploytool.platforms.kubernetes.prometheus import ByPrometheus
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.remains import Remains
from deploytool.platforms.kubernetes.replicas import Replicas
from deploytool.platforms.kubernetes.routes import Routes
from deploytool.platforms.kubernetes.scraping import ByApiServer, Source
from deploytool.platforms.kubernetes.secrets import ClusterSecrets
from deploytool.platforms.kubernetes.sharing import Sharing
from deploytool.platforms.kubernetes.store import ClusterStore
from deploytool.platforms.migration_sessions import session_settings
from deploytool.platforms.migrations import Migrations
from deploytool.programs import outer_environment
from deploytool.system.declaration import System
from deploytool.system.targets import KubernetesTarget
from deploytool.traffic.answer_limits import with_answer_limits

# The artifact that holds kubectl.
_RUNTIME = "runtime"


class Parts:
    """What a Kubernetes target consists of. The manifests are rendered when they are needed."""

    def __init__(
        self,
        *,
        target: KubernetesTarget,
        system: System,
        root: Path,
        deploy: Path,
        artifacts: Mapping[str, Path],
        on_secret: Callable[[str], None],
        on_wait: Callable[[str], None],
    ) -> None:
        self._target = target
        self._system = system
        self._folder = deploy / target.manifests
        self.state = root / target.state
        name, database = system.database
        self.cluster = Cluster(target.context, target.namespace, on_wait)
        self.secrets = ClusterSecrets(self.cluster, name, database.roles, on_secret)
        self.inspection = Inspection(self.cluster, self.secrets.mask)
        self.images = ClusterImages(self.cluster, target.registry, artifacts)
        self.releases = ClusterReleases(self.cluster)
        self.jobs = Jobs(self.cluster, self.inspection, self.secrets.mask)
        self.kubectl = Kubectl(
            artifacts.get(_RUNTIME), self.state, target.context, target.namespace
        )
        self.database = ClusterDatabase(
            name, database.database, self.inspection, self.kubectl, self.secrets
        )
        self.source = self._source()
        self.gateway = ClusterGateway(
            system.gateway,
            self.cluster,
            self.inspection,
            self.source,
            target.gateway_url,
            target.metrics_port,
        )
        self.sharing = self._sharing()
        self.foundation = Foundation(
            system,
            self.cluster,
            self.inspection,
            self.images,
            self.releases,
            self.database,
            self.sharing,
            self._begin_migrations,
        )
        self.remains = Remains(self.cluster, self.secrets)
        self.connections = Connections(
            system,
            self.cluster,
            self.inspection,
            self.kubectl,
            target.dial,
            self.secrets.mask,
        )
        self.store = ClusterStore(
            self.cluster, lambda: self.foundation.require_namespace(self.manifests)
        )
        self.migrations = Migrations(
            deploy / database.migrations,
            self.database.rows,
            self._run_migrations,
            self.secrets.mask,
            database.lock_timeout_s,
        )
        self._session = session_settings(database.lock_timeout_s)
        self.detachment = Detachment(self.state, root, outer_environment())

    @cached_property
    def manifests(self) -> Manifests:
        """All objects, as kustomize renders them, with the declared limits.

        With a release they run its images, each of them. Raises InvalidInput.
        """
        services = self._system.services
        limits_s = {name: service.answer_within_s for name, service in services.items()}
        rendered = parse(self.kubectl.render(self._folder))
        items = [with_answer_limits(item, limits_s) for item in rendered]
        if released := self.images.released:
            items = with_release(items, released, self._folder)
        found = Manifests(items, self._folder, services, self._target.namespace)
        found.require_pod(self.database.component)
        return found

    def _sharing(self) -> Sharing:
        if self._target.sharing == "routes":
            return Routes(self.cluster, self._system, self.gateway)
        return Replicas(self.cluster, self._system, self.inspection, self.source)

    def _source(self) -> Source:
        named = self._target.prometheus
        return ByApiServer(self.cluster) if named is None else ByPrometheus(named)

    def _begin_migrations(self) -> None:
        """Start the Job's pod while the database starts: it waits for that by itself."""
        self.migrations.expect_none_applied()
        if self.migrations.pending("expand"):
            self.jobs.begin(self._job("expand"))

    def _run_migrations(
        self, kind: MigrationKind, look: Callable[[], None]
    ) -> "CompletedProcess[str]":
        return self.jobs.run(self._job(kind), look)

    def _job(self, kind: MigrationKind) -> Object:
        jobs = self._target.migrations
        name = jobs.expand if kind == "expand" else jobs.contract
        return with_environment(self.manifests.job(name, self.images.by_base()), self._session)
