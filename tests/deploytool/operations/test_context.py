"""What every operation can ask about its target."""

from typing import Any, cast

from deploytool.operations.context import Context
from deploytool.system.declaration import System


def service(route: str) -> dict[str, object]:
    return {"kind": "service", "route": route, "smoke": ["/"]}


def test_each_service_has_an_address_to_open_with_its_path() -> None:
    components = {
        "database": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": []},
        "gateway": {"kind": "gateway"},
        "shop": service("/shop"),
        "front": service("/"),
    }
    context = Context(
        system=System.model_validate({"system": "s", "components": components}),
        platform=cast("Any", None),
        target="local",
        run="r",
        command="status",
        artifacts={},
        emit=lambda _: None,
    )
    assert context.addresses("http://127.0.0.1:8080") == {
        "shop": "http://127.0.0.1:8080/shop/",
        "front": "http://127.0.0.1:8080/",
    }
