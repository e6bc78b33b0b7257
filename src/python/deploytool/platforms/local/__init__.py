"""The local platform: plain processes on this machine, without root, Docker or a network.

Everything listens on 127.0.0.1 and lies in one state folder; supervisord keeps it running after
deploytool has ended.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploytool.platforms.base import Platform
from deploytool.platforms.local.parts import Parts
from deploytool.platforms.local.platform import LocalPlatform
from deploytool.system.declaration import System
from deploytool.system.targets import LocalTarget

RUNTIME = "runtime"


@contextmanager
def open_local(
    *,
    target: LocalTarget,
    system: System,
    root: Path,
    deploy: Path,
    artifacts: Mapping[str, Path],
    on_secret: Callable[[str], None],
    on_wait: Callable[[str], None],
) -> Iterator[Platform]:
    """Open a target on this machine; touches nothing until something is asked of it.

    root: what the target's state folder is relative to. deploy: the folder of system.yaml.
    artifacts: holds the runtime under "runtime"; without it what is installed is used.
    on_secret: is told each secret's value. on_wait: is told what takes so long.
    """
    parts = Parts(
        target=target,
        system=system,
        state=(root / target.state).resolve(),
        root=root.resolve(),
        deploy=deploy.resolve(),
        runtime=artifacts.get(RUNTIME),
        on_secret=on_secret,
        on_wait=on_wait,
    )
    platform = LocalPlatform(system, parts)
    try:
        yield platform
    finally:
        platform.close()
