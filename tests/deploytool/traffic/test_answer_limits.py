"""How long services may take to answer, put into the objects that tell a gateway."""

from typing import Any

import pytest

from deploytool.traffic.answer_limits import duration, with_answer_limits
from deploytool.traffic.http_route import Object, with_canary

LIMITS_S = {"web": 5.0, "back": 30.0}
OF_ALL = "--serverstransport.forwardingtimeouts.responseheadertimeout=30s"


def route(*backends: str, **more: Any) -> Object:
    """Return a route with a rule for each Service, and one that leads nowhere."""
    rules = [{"backendRefs": [{"name": name, "port": 80}], **more} for name in backends]
    redirect = {"filters": [{"type": "RequestRedirect"}]}
    return {"kind": "HTTPRoute", "metadata": {"name": "r"}, "spec": {"rules": [*rules, redirect]}}


def gateway(*arguments: str) -> Object:
    """Return a workload with a container beside the one that has these arguments."""
    containers = [{"name": "edge", "args": list(arguments)}, {"name": "side"}]
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}}


def arguments(workload: Object) -> list[str]:
    return list(workload["spec"]["template"]["spec"]["containers"][0]["args"])


def test_each_rule_has_the_limit_of_the_service_that_it_leads_to() -> None:
    limited = with_answer_limits(route("web", "back", "others"), LIMITS_S)
    found = [rule.get("timeouts") for rule in limited["spec"]["rules"]]
    assert found == [{"request": "5s"}, {"request": "30s"}, None, None]


def test_what_is_declared_goes_before_what_the_manifests_say() -> None:
    # The API server refuses a limit of one try that is greater than that of the request.
    earlier = {"request": "60s", "backendRequest": "50s"}
    limited = with_answer_limits(route("web", timeouts=earlier), LIMITS_S)
    assert limited["spec"]["rules"][0]["timeouts"] == {"request": "5s"}


def test_who_asks_for_a_version_has_the_same_limit() -> None:
    limited = with_answer_limits(route("web"), LIMITS_S)
    shared = with_canary(limited, {"stable": "web", "canary": "web-canary"}, 50, "X-Canary")
    leading = [rule for rule in shared["spec"]["rules"] if "backendRefs" in rule]
    assert [rule["timeouts"] for rule in leading] == [{"request": "5s"}] * 3


@pytest.mark.parametrize(
    "earlier", ["", "--serversTransport.forwardingTimeouts.responseHeaderTimeout=7s"]
)
def test_traefik_is_told_the_greatest_limit_once(earlier: str) -> None:
    own = ["--providers.kubernetesgateway=true", *filter(None, [earlier]), "--ping=true"]
    told = arguments(with_answer_limits(gateway(*own), LIMITS_S))
    assert sorted(told) == sorted([*(each for each in own if each != earlier), OF_ALL])


@pytest.mark.parametrize(
    "item",
    [
        gateway("--config=/etc/edge.yaml"),
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "web"}]}}}},
        {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "b"}},
    ],
)
def test_other_objects_stay_as_they_are(item: Object) -> None:
    assert with_answer_limits(item, LIMITS_S) == item


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(30, "30s"), (0.1, "100ms"), (1.5, "1s500ms"), (86_400, "86400s"), (120.25, "120s250ms")],
)
def test_a_time_is_written_in_whole_numbers(seconds: float, text: str) -> None:
    assert duration(seconds) == text
