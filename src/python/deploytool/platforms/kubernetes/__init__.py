"""The Kubernetes platform: a namespace of any cluster that a kubeconfig names.

Everything is applied server side by this tool itself: no controller of ours is in the cluster, and
what a later operation needs to know stands in the namespace.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploytool.platforms.base import Platform
from deploytool.platforms.kubernetes.parts import Parts
from deploytool.platforms.kubernetes.platform import KubernetesPlatform
from deploytool.system.declaration import System
from deploytool.system.targets import KubernetesTarget


@contextmanager
def open_kubernetes(
    *,
    target: KubernetesTarget,
    system: System,
    root: Path,
    deploy: Path,
    artifacts: Mapping[str, Path],
    on_secret: Callable[[str], None],
    on_wait: Callable[[str], None],
) -> Iterator[Platform]:
    """Open a target in a cluster; touches nothing until something is asked of it.

    root: what the target's state folder is relative to. deploy: the folder of system.yaml.
    artifacts: component, or another name in the manifests -> what Pants wrote about its image;
    `runtime`: a package with kubectl. on_secret: is told each secret's value. on_wait: is told why
    the API server has to be waited for.
    """
    parts = Parts(
        target=target,
        system=system,
        root=root.resolve(),
        deploy=deploy.resolve(),
        artifacts=artifacts,
        on_secret=on_secret,
        on_wait=on_wait,
    )
    platform = KubernetesPlatform(system, parts)
    try:
        yield platform
    finally:
        platform.close()
