"""The Kubernetes platform as one whole: what `Platform` asks for, by an API server.

It maps the protocol to the parts; whatever decides or waits is in these.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from deploytool.canary.observation import Snapshot
from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import (
    Answer,
    Condition,
    Connection,
    Instance,
    LogLine,
    MigrationKind,
    Role,
)
from deploytool.platforms.http import get
from deploytool.platforms.images import image_name
from deploytool.platforms.kubernetes.applying import Difference
from deploytool.platforms.kubernetes.follower import Tail
from deploytool.platforms.kubernetes.logs import read_logs
from deploytool.platforms.kubernetes.objects import Object, port_of
from deploytool.platforms.kubernetes.parts import Parts
from deploytool.platforms.kubernetes.revisions import Revisions
from deploytool.platforms.kubernetes.scraping import name_of_pod
from deploytool.platforms.kubernetes.sharing import SHARE_S
from deploytool.platforms.kubernetes.sizes import Sizes
from deploytool.platforms.kubernetes.workloads import Kept
from deploytool.platforms.references import Places, mentioned, references
from deploytool.platforms.released_images import require_held
from deploytool.record.store import TargetStore
from deploytool.system.declaration import System
from deploytool.system.revision import Revision

# Requests that the router sent just before it took a backend off reach it within this time; the
# pods' own preStop gives them longer.
_GRACE_S = 0.5
_REQUEST_S = 5.0
# Where the pods find the passwords: a file each, COMPONENT-ROLE.
_SECRETS = "/run/secrets"


class KubernetesPlatform:
    """A target in a namespace of a cluster; see `Platform` for what each method promises."""

    def __init__(self, system: System, parts: Parts) -> None:
        self._system = system
        self._parts = parts
        self._revisions = Revisions(parts.cluster, parts.inspection, parts.releases)
        self._sizes = Sizes(parts.cluster, parts.inspection, parts.releases)

    def close(self) -> None:
        """Close the connections; everything goes on running."""
        self._parts.source.close()
        self._parts.cluster.close()

    @property
    def store(self) -> TargetStore:
        """The state and lock, as objects of the namespace."""
        return self._parts.store

    def fetch(self, revisions: Sequence[Revision]) -> None:
        """Do nothing: each node pulls what its pods run."""

    def prepare(self) -> None:
        """Make the namespace and the Secrets, and push the images that the registry lacks."""
        self._parts.sharing.require_support()
        self._parts.foundation.require_namespace(self._parts.manifests)
        name, database = self._system.database
        self._parts.database.make_secrets(database.roles, self._parts.manifests.service_port(name))
        self._parts.images.push()

    def fingerprint(self, component: str, artifact: Path) -> str:
        """Return the digest of the image's content tag, the Deployment and what references mean.

        A revision that is started again keeps what they meant.
        """
        declared = self._system.services[component].environment
        meant = mentioned(declared, self._references())
        return self._parts.manifests.fingerprint(component, image_name(artifact), meant)

    def install(self, revision: Revision, artifact: Path) -> None:
        """Keep the revision's image and Deployment in the namespace; forget the oldest ones."""
        component = revision.component
        if self.fingerprint(component, artifact) != revision.artifact:
            raise InvalidInput(
                f"the artifact of {component} is not that of revision {revision.id}",
                why=f"{artifact.name} or the manifests changed since the revision was named",
                hint="repeat the command",
            )
        is_built = revision.released is None
        kept = Kept(
            image=self._parts.images.reference(image_name(artifact)) if is_built else "",
            deployment=self._parts.manifests.deployment(component),
        )
        self._parts.releases.install(revision, kept)
        needed = self._parts.store.load().needed(component)
        self._parts.releases.prune(component, needed | self._revisions.running(component))

    def revisions(self, component: str) -> Sequence[Revision]:
        """Return the installed revisions of a component, newest first."""
        return self._parts.releases.revisions(component)

    def require_images(self) -> None:
        """See that the registry has all of the release."""
        require_held(self._parts.images.released.values())

    def start_foundation(
        self, deadline_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Sequence[str]:
        """Apply all objects but the revisions', and their number of pods; wait for the former.

        A number that an autoscaler of before has set stays for now: it was not told as a change.
        """
        sizes = self._other_sizes()
        started = self._parts.foundation.start(self._parts.manifests, deadline_s, meanwhile)
        self._sizes.carry_out(sizes)
        return [*started, *(str(each.key) for each in sizes)]

    def foundation_changes(self) -> Mapping[str, str]:
        """Return which objects are not as the manifests say, and how."""
        sizes = {str(each.key): each.why for each in self._other_sizes()}
        return {**self._parts.foundation.changes(self._parts.manifests), **sizes}

    def drift(self) -> Mapping[str, str]:
        """Return which objects are not as they were applied, and how."""
        sizes = {str(each.key): each.why for each in self._other_sizes() if each.is_drift}
        return {**self._parts.foundation.drift(self._parts.manifests), **sizes}

    def require_distinct_migrations(self) -> None:
        """Raise InvalidInput when two migration files of a kind have one version."""
        self._parts.migrations.require_distinct()

    def migrate(
        self, kind: MigrationKind, deadline_s: float, tell: Callable[[str, str], None]
    ) -> Sequence[str]:
        """Apply pending migrations by the Job that the target names for the kind."""
        return self._parts.migrations.apply(kind, deadline_s, tell)

    def pending_migrations(self, kind: MigrationKind) -> Sequence[str]:
        """Return the pending migration files' names."""
        return [path.name for path in self._parts.migrations.pending(kind)]

    def start(self, revision: Revision, role: Role) -> None:
        """Apply the revision's Deployment in the role; a canary gets no requests yet."""
        component = revision.component
        self._revisions.start(
            revision,
            role,
            known=self._references(),
            replicas=self._parts.manifests.replicas(component),
            is_scaled_elsewhere=self._parts.manifests.scaled_elsewhere(component),
        )
        if role is Role.CANARY:
            self._parts.sharing.begin(revision, self._parts.manifests.service(component))

    def stop(self, component: str, role: Role) -> None:
        """Take the instance's share from it, wait a moment, delete it, wait for its pods to end."""
        if role is Role.CANARY and self._parts.sharing.percent(component) is not None:
            self._parts.sharing.give(component, None, SHARE_S)
            time.sleep(_GRACE_S)
        self._revisions.stop(component, role, self._system.services[component].drain_s)

    def instances(self) -> Sequence[Instance]:
        """Return the database, the gateway, each service's stable and what canaries there are."""
        found = []
        for component in self._system.components:
            found.append(self.instance(component, Role.STABLE))
            if component in self._system.services:
                canary = self.instance(component, Role.CANARY)
                found += [canary] if canary.condition is not Condition.ABSENT else []
        return found

    def instance(self, component: str, role: Role) -> Instance:
        """Return how one instance is."""
        if component in self._system.services:
            return self._revisions.instance(component, role)
        workload = self._parts.inspection.workload(component)
        if workload is None:
            return Instance(component, role, "", Condition.ABSENT, "was not started")
        pods = self._parts.inspection.pods(component)
        return self._parts.inspection.instance(component, role, workload, pods)

    def request(self, component: str, role: Role, path: str) -> Answer:
        """GET a path from one pod of an instance, by way of the API server."""
        return self._ask(self._revisions.serving(component, role)[:1], component, path)[0]

    def request_each(self, component: str, role: Role, path: str) -> Sequence[Answer]:
        """GET a path from every pod of an instance."""
        return self._ask(self._revisions.serving(component, role), component, path)

    def request_through_gateway(self, path: str) -> Answer:
        """GET a path at the gateway, from this machine."""
        return get(self.gateway_url() + path)

    def set_weight(self, component: str, canary_percent: int, deadline_s: float) -> str:
        """Give the canary as many pods as its share needs, then the share."""
        began, sharing, lacking = time.monotonic(), self._parts.sharing, ""
        if canary_percent:
            needed = partial(sharing.pods, percent=canary_percent)
            ready_s = min(deadline_s, self._system.services[component].ready_deadline_s)
            lacking = self._revisions.scale_canary(component, needed, ready_s)
        left_s = max(SHARE_S, deadline_s - (time.monotonic() - began))
        sharing.give(component, canary_percent, left_s)
        return lacking

    def weight(self, component: str) -> int:
        """Return the share that the canary is given."""
        return self._parts.sharing.percent(component) or 0

    def observe(self, component: str) -> Snapshot:
        """Read both arms' counters, as the target's way of sharing has them."""
        return self._parts.sharing.observe(component)

    def gateway_url(self) -> str:
        """Return the gateway's address for visitors."""
        return self._parts.gateway.url()

    def query(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Run a read-only query by psql, in the database's pod."""
        return self._parts.database.rows(sql)

    def connections(self) -> Sequence[Connection]:
        """Try all connections from one pod of each component that serves, by exec."""
        return self._parts.connections.tried()

    def logs(
        self,
        components: Sequence[str],
        *,
        lines: int | None,
        since_s: float | None = None,
        follow: bool,
        is_stopped: Callable[[], bool],
    ) -> Iterator[LogLine]:
        """Yield log lines of all pods, secrets masked."""
        tail = Tail(lines, since_s)
        found = read_logs(
            self._parts.cluster, components, tail=tail, follow=follow, is_stopped=is_stopped
        )
        for line in found:
            text = self._parts.secrets.mask(line.text)
            # Hardly ever another one, and a copy takes as long as all else.
            yield line if text == line.text else replace(line, text=text)

    def detach(self, tool: Path, arguments: Sequence[str]) -> str:
        """Run a copy of the tool in a session of its own, on this machine."""
        self._parts.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(self._parts.detachment.start(tool, arguments))

    def end_detached(self) -> None:
        """End the tool's process on this machine, and keep it from being started again."""
        self._parts.detachment.end()

    def down(self, *, remove_volumes: bool, deadline_s: float) -> None:
        """Delete services, then what they need; with remove_volumes all but the namespace."""
        deadline = time.monotonic() + deadline_s
        self._parts.jobs.remove()
        self._revisions.remove_all(self._system.services)
        self._parts.foundation.remove(self._parts.manifests)
        if remove_volumes:
            self._parts.remains.remove(self._system)
        self._parts.inspection.await_gone(self._system.components, deadline)

    def _other_sizes(self) -> list[Difference]:
        """Return where stable has not as many pods as the manifests say, and nothing replaces it.

        A replacement sets the numbers by itself, that of stable at its end.
        """
        canary = self._parts.store.load().canary
        replaced = canary.component if canary else ""
        resting = [name for name in self._system.services if name != replaced]
        return self._sizes.differences(self._parts.manifests, resting)

    def _references(self) -> dict[str, str]:
        name, _ = self._system.database
        return references(
            self._system,
            Places(
                database_host=name,
                database_port=self._parts.manifests.service_port(name),
                gateway_url=self._parts.manifests.inner_url(self._system.gateway),
                password_file=lambda role: f"{_SECRETS}/{name}-{role}",
            ),
        )

    def _ask(self, pods: Sequence[Object], component: str, path: str) -> list[Answer]:
        if not pods:
            raise PlatformFailed(
                f"no pod of {component} serves",
                why="none is ready",
                hint="see `deploytool status`",
            )
        return [self._answer(pod, path) for pod in pods]

    def _answer(self, pod: Object, path: str) -> Answer:
        started, name = time.monotonic(), name_of_pod(pod)
        # Its own port: a revision of before may serve on another one than the manifests name now.
        reply = self._parts.cluster.proxied(name, port_of(pod), path, _REQUEST_S)
        if reply.code == 0:
            raise PlatformFailed(
                f"no answer from pod {name}", why=reply.words, hint="see `deploytool status`"
            )
        return Answer(reply.code, reply.body, time.monotonic() - started)
