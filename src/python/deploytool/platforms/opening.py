"""The one table that knows which platform is which; a platform is imported when it is opened."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import cast

from deploytool.platforms.base import OpenPlatform, Platform
from deploytool.platforms.images import image_base, released_build
from deploytool.system.declaration import System
from deploytool.system.targets import ComposeTarget, KubernetesTarget, Target

_OPENERS = {
    "processes": ("deploytool.platforms.local", "open_local"),
    "compose": ("deploytool.platforms.compose", "open_compose"),
    "kubernetes": ("deploytool.platforms.kubernetes", "open_kubernetes"),
}


def open_platform(
    target: Target,
    system: System,
    *,
    root: Path,
    deploy: Path,
    artifacts: Mapping[str, Path],
    on_secret: Callable[[str], None],
    on_wait: Callable[[str], None],
) -> AbstractContextManager[Platform]:
    """Open a target for work.

    root: folder that relative paths of the target start from. deploy: folder of system.yaml.
    artifacts: component -> what was built for it; empty when nothing is going to be installed.
    on_secret: is told the value of every secret of the target, as soon as it is known or made.
    on_wait: is told why something that the target stands on has to be waited for.
    """
    module, name = _OPENERS[target.platform]
    opener = cast("OpenPlatform", getattr(import_module(module), name))
    waiting = {} if isinstance(target, ComposeTarget) else {"on_wait": on_wait}
    return opener(
        target=target,
        system=system,
        root=root,
        deploy=deploy,
        artifacts=artifacts,
        on_secret=on_secret,
        **waiting,
    )


def render_manifests(
    folder: Path, *, target: Target, root: Path, artifacts: Mapping[str, Path]
) -> str:
    """Return what kustomize makes of a folder; needs no cluster. Raises InvalidInput.

    root and artifacts: of the target, as above. Those of one on Kubernetes bring kubectl along;
    otherwise it is this machine's.
    """
    package = artifacts.get("runtime") if isinstance(target, KubernetesTarget) else None
    module = import_module("deploytool.platforms.kubernetes.kubectl")
    # Neither context nor namespace matter: nothing is asked of a cluster.
    kubectl = module.Kubectl(package, root / target.state, None, "default")
    rendered: str = kubectl.render(folder.resolve())
    return rendered


def released_manifests(
    target: KubernetesTarget, *, root: Path, deploy: Path, artifacts: Mapping[str, Path]
) -> str:
    """Return the manifests of a target with the images of a release; needs no cluster.

    root, deploy and artifacts: of the target, as above; artifacts are those of a release.
    Raises InvalidInput, also when the manifests run an image that it lacks.
    """
    folder = deploy / target.manifests
    rendered = render_manifests(folder, target=target, root=root, artifacts=artifacts)
    builds = (released_build(path) for path in artifacts.values() if path.suffix == ".json")
    images = {image_base(each.image.image): each.image.image for each in builds if each}
    module = import_module("deploytool.platforms.kubernetes.manifests")
    text: str = module.with_release_in(rendered, images, folder)
    return text
