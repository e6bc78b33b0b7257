"""The Compose platform: containers of a Docker engine on this machine.

The Compose file of the system also works by itself; from it this platform makes one that names the
revisions that run, and hands that to `docker compose`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploytool.platforms.base import Platform
from deploytool.platforms.compose.parts import Parts
from deploytool.platforms.compose.platform import ComposePlatform
from deploytool.system.declaration import System
from deploytool.system.targets import ComposeTarget


@contextmanager
def open_compose(
    *,
    target: ComposeTarget,
    system: System,
    root: Path,
    deploy: Path,
    artifacts: Mapping[str, Path],
    on_secret: Callable[[str], None],
) -> Iterator[Platform]:
    """Open a target on the Docker engine; touches nothing until something is asked of it.

    root: what the target's state folder is relative to. deploy: the folder of system.yaml.
    artifacts: service of the Compose file -> what Pants wrote about its image; without one, the
    image named in the Compose file is used. on_secret: is told each secret's value.
    """
    parts = Parts(
        target=target,
        system=system,
        state=(root / target.state).resolve(),
        root=root.resolve(),
        deploy=deploy.resolve(),
        artifacts=artifacts,
        on_secret=on_secret,
    )
    platform = ComposePlatform(system, parts)
    try:
        yield platform
    finally:
        platform.close()
