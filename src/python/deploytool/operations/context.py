"""What every operation is given: the system, an open target, and where to tell what happens."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from deploytool.errors import DeployError, InvalidInput, Locked
from deploytool.platforms.base import Platform
from deploytool.record.event import Event, Listener
from deploytool.record.origin import user_name
from deploytool.record.store import Holder, TargetState, Wish
from deploytool.system.declaration import Service, System
from deploytool.system.release import ReleaseFile
from deploytool.system.revision import Revision, revision_of
from deploytool.system.targets import Proof
from deploytool.traffic.load.counts import LoadCounts


@dataclass(frozen=True)
class Context:
    """One operation on one target.

    artifacts: component -> the file that was built for it. emit: takes each event, at once.
    release: the file whose images are deployed; None for what was built. proof: what the target
    demands of images. state_of: returns the state of another target.
    has_visitors: whether the target has traffic of its own. deadline_s: the limit of every single
    wait for something to be done. now: unix seconds, to be shown and kept. monotonic: seconds since
    any moment, for how long something took: somebody may set the clock meanwhile. sent: counts the
    traffic that the operation makes itself; None where it makes none.
    """

    system: System
    platform: Platform
    target: str
    run: str
    command: str
    artifacts: Mapping[str, Path]
    emit: Listener
    has_visitors: bool = False
    deadline_s: float = 120.0
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sent: Callable[[], LoadCounts] | None = None
    release: ReleaseFile | None = None
    proof: Proof | None = None
    state_of: Callable[[str], TargetState] = lambda _: TargetState()
    _digests: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def locked(self) -> Iterator[TargetState]:
        """Hold the target's lock; yield its state. Raises Locked when another holds it."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self.platform.store.lock(self._holder()))
            except Locked as locked:
                locked.hint = self._way_out() or locked.hint
                raise
            yield self.platform.store.load()

    def _way_out(self) -> str:
        """Return what to do about the canary that holds the lock; "" when none does."""
        with suppress(DeployError):
            canary, holder = self.platform.store.load().canary, self.platform.store.holder()
            is_beginning = canary is None and holder is not None and holder.command == "canary"
            if is_beginning or (canary is not None and canary.steps):
                return (
                    "wait for it to end; or `deploytool abort` takes its canary back, and "
                    "`deploytool canary --supersede` does that and starts another"
                )
        return ""

    def service(self, name: str) -> Service:
        """Return a declared service. Raises InvalidInput for any other name."""
        services = self.system.services
        if name not in services:
            kind = "is not changed by canaries" if name in self.system.components else "is unknown"
            raise InvalidInput(
                f"component {name!r} {kind}",
                why=f"the services declared in system.yaml are {', '.join(services)}",
                hint="name one of these",
            )
        return services[name]

    def addresses(self, gateway_url: str) -> dict[str, str]:
        """Return where each service is reached from outside: component -> URL of its route."""
        return {
            name: f"{gateway_url}{service.route.rstrip('/')}/"
            for name, service in self.system.services.items()
        }

    def built(self, component: str, overrides: Mapping[str, str] | None = None) -> Revision:
        """Return the revision that the current build is. Raises InvalidInput when none was built.

        overrides: environment on top of the declared one; part of the revision.
        """
        service = self.service(component)
        if component not in self._digests:
            self._digests[component] = self.platform.fingerprint(
                component, self.artifact(component)
            )
        environment = {**service.environment, **(overrides or {})}
        released = self.release.release.builds[component] if self.release else None
        return revision_of(component, self._digests[component], environment, released)

    def artifact(self, component: str) -> Path:
        """Return the file built for a component. Raises InvalidInput when none was."""
        path = self.artifacts.get(component)
        if path is None or not path.is_file():
            raise InvalidInput(
                f"nothing was built for {component}",
                why=f"no artifact was handed over for it{f' ({path} is missing)' if path else ''}",
                hint="start deploytool by `./pants run deploytool -- ...`, and see that the "
                f"deployment target lists {component} under packages for {self.target!r}",
            )
        return path

    def say(self, event: str, subject: str = "", *, reason: str = "", result: str = "") -> None:
        """Emit a plain event."""
        self.emit(Event(event, object=subject, reason=reason, result=result))

    @contextmanager
    def timed(self, event: str, subject: str, *, action: str, reason: str = "") -> Iterator[None]:
        """Emit the event with its result and duration once the block has ended."""
        started = self.monotonic()
        try:
            yield
        except BaseException as error:
            why = error.what if isinstance(error, DeployError) else type(error).__name__
            self._ended(event, subject, action, "failed", why, started)
            raise
        self._ended(event, subject, action, "ok", reason, started)

    def _ended(
        self, event: str, subject: str, action: str, result: str, reason: str, started: float
    ) -> None:
        took = round(self.monotonic() - started, 3)
        self.emit(
            Event(
                event, object=subject, action=action, result=result, reason=reason, duration_s=took
            )
        )

    def wish(self, wanted: Literal["abort", "promote"], run: str) -> Wish:
        """Return what this operation wants of the run that holds the lock."""
        asking = self._holder()
        return Wish(
            wanted=wanted,
            run=run,
            by=self.run,
            user=asking.user,
            host=asking.host,
            since=asking.since,
        )

    def _holder(self) -> Holder:
        return Holder(
            user=user_name(),
            host=socket.gethostname(),
            pid=os.getpid(),
            command=self.command,
            run=self.run,
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )
