"""The one table that knows which platform is which; a platform is imported when it is opened."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import cast

from deploytool.platforms.base import OpenPlatform, Platform
from deploytool.system.declaration import System
from deploytool.system.targets import Target

_OPENERS = {
    "processes": ("deploytool.platforms.local", "open_local"),
    "compose": ("deploytool.platforms.compose", "open_compose"),
}


def open_platform(
    target: Target,
    system: System,
    *,
    root: Path,
    deploy: Path,
    artifacts: Mapping[str, Path],
    on_secret: Callable[[str], None],
) -> AbstractContextManager[Platform]:
    """Open a target for work.

    root: folder that relative paths of the target start from. deploy: folder of system.yaml.
    artifacts: component -> what was built for it; empty when nothing is going to be installed.
    on_secret: is told the value of every secret of the target, as soon as it is known or made.
    """
    module, name = _OPENERS[target.platform]
    opener = cast("OpenPlatform", getattr(import_module(module), name))
    return opener(
        target=target,
        system=system,
        root=root,
        deploy=deploy,
        artifacts=artifacts,
        on_secret=on_secret,
    )
