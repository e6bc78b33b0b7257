"""A revision as a process of this machine. Pure."""

from collections.abc import Mapping
from pathlib import Path

from deploytool.platforms.base import Role
from deploytool.platforms.local.program import Program
from deploytool.platforms.references import own_references, resolve
from deploytool.system.declaration import Service
from deploytool.system.revision import Revision


def service_program(
    *,
    revision: Revision,
    role: Role,
    service: Service,
    port: int,
    host: str,
    interpreter: str,
    artifact: Path,
    base: Mapping[str, str],
    known: Mapping[str, str],
) -> Program:
    """Describe the process of a revision in a role.

    base: environment of everything supervised. known: what references to other components mean.
    """
    own = own_references(host, port, revision.id)
    declared = resolve(revision.component, revision.environment, {**known, **own})
    return Program(
        component=revision.component,
        role=role,
        revision=revision.id,
        port=port,
        argv=(interpreter, str(artifact)),
        environment={**declared, **base},
        stop_signal=service.stop_signal,
        stop_s=service.drain_s,
    )
