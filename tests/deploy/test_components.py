"""Each component of deploy/kubernetes, over the overlay that uses none of them."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.kubernetes.kubectl import Kubectl
from deploytool.platforms.kubernetes.manifests import Manifests, parse
from deploytool.platforms.kubernetes.objects import Object

# Where Pants puts the package with kubectl; without Pants it is the one of this machine.
BUILT = Path("src.python.deploytool.platforms.kubernetes/runtime.pex")
KUBERNETES = Path("deploy/kubernetes")
COMPONENTS = sorted(each.name for each in (KUBERNETES / "components").iterdir())
FOLDER = "overlays/with-components"

Render = Callable[[Sequence[str]], list[Object]]


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return what renders overlays/local with components."""
    place = tmp_path_factory.mktemp("components")
    folder = shutil.copytree(KUBERNETES, place / "kubernetes") / FOLDER
    folder.mkdir()
    package = BUILT.resolve() if BUILT.exists() else None
    kubectl = Kubectl(package, place, None, "shop")

    def rendered(components: Sequence[str]) -> list[Object]:
        named = "".join(f"  - ../../components/{each}\n" for each in components)
        (folder / "kustomization.yaml").write_text(
            "resources:\n  - ../local\n" + (f"components:\n{named}" if named else "")
        )
        return parse(kubectl.render(folder))

    return rendered


def named(items: Sequence[Object]) -> set[str]:
    return {f"{item['kind']}/{item['metadata']['name']}" for item in items}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_renders_over_an_overlay(render: Render, component: str) -> None:
    found = render([component])
    assert found != render([])
    Manifests(found, Path(FOLDER), {"new-microservice", "legacy-app"}, "shop")


def test_of_an_external_database_nothing_but_its_name_is_left(render: Render) -> None:
    gone = {
        "StatefulSet/database",
        "ServiceAccount/database",
        "NetworkPolicy/database",
        "ConfigMap/database-init",
    }
    found = render(["external-database"])
    assert gone <= named(render([]))
    assert not gone & named(found)
    (service,) = (item for item in found if item["metadata"]["name"] == "database")
    assert service["spec"]["type"] == "ExternalName"


def test_an_external_database_is_refused_with_a_hint(render: Render) -> None:
    items = render(["external-database"])
    manifests = Manifests(items, Path(FOLDER), {"new-microservice", "legacy-app"}, "shop")
    with pytest.raises(InvalidInput, match="has no pod") as raised:
        manifests.require_pod("database")
    assert "kubectl" in raised.value.hint
    with pytest.raises(InvalidInput, match="Service/database has no port"):
        manifests.service_port("database")
