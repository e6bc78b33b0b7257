"""What stands before any service is started, on objects in memory."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.kubernetes.foundation import Foundation
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.manifests import Manifests
from deploytool.platforms.kubernetes.objects import Object
from deploytool.platforms.kubernetes.routes import KIND, VERSION
from deploytool.system.declaration import System
from tests.deploytool.platforms.kubernetes.memory import Memory

SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "web": {"kind": "service", "route": "/w"},
        },
    }
)
ROUTE: Object = {
    "apiVersion": VERSION,
    "kind": KIND,
    "metadata": {"name": "web"},
    "spec": {"parentRefs": [{"name": "edge"}], "rules": []},
}


def test_a_route_that_no_gateway_takes_over_is_named_with_whose_log_may_tell_why() -> None:
    cluster = Memory()
    foundation = Foundation(
        SYSTEM,
        cluster,
        Inspection(cluster, lambda text: text),
        cast("Any", SimpleNamespace(by_base=dict)),
        cast("Any", SimpleNamespace(needs=lambda _: False)),
        cast("Any", SimpleNamespace(component="db", make_roles=lambda _: None)),
        cast("Any", SimpleNamespace(keep_share=lambda wanted, _: wanted)),
    )
    manifests = Manifests([ROUTE], Path("deploy"), SYSTEM.services, "shop")
    with pytest.raises(NotReady) as late:
        foundation.start(manifests, -1)
    assert late.value.why == "HTTPRoute/web: no gateway has taken it over yet"
    assert late.value.hint == "see `deploytool logs edge`"
