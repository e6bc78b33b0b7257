"""HTTPRoutes: a canary's share is put into them and taken out again without a trace."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.canary.weights import router_weights
from deploytool.traffic.http_route import (
    Object,
    canary_percent,
    canary_share,
    leads_to,
    shared_rules,
    unaccepted,
    with_canary,
    without_canary,
)
from deploytool.traffic.traefik_file import Arm

SERVICES: Mapping[Arm, str] = {"stable": "web", "canary": "web-canary"}
HEADER = "X-Choice"


def path(value: str) -> Object:
    return {"path": {"type": "PathPrefix", "value": value}}


def rule(service: str = "web", *matches: Object, **more: Any) -> Object:
    """Return a rule that leads to a Service."""
    made: Object = {"backendRefs": [{"name": service, "port": 80, "weight": 1}], **more}
    return {"matches": list(matches), **made} if matches else made


def route(*rules: Object, **metadata: Any) -> Object:
    """Return a route as the API server has it."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "generation": 2, **metadata},
        "spec": {"parentRefs": [{"name": "gateway"}], "rules": list(rules)},
    }


PLAIN = route(rule("web", path("/app"), filters=[{"type": "URLRewrite"}]))


def backends(rule: Object) -> dict[str, int]:
    return {ref["name"]: ref["weight"] for ref in rule["backendRefs"]}


def headers(rule: Object) -> list[Object]:
    return [header for match in rule.get("matches", []) for header in match.get("headers", [])]


def shared(percent: int, header: str | None = None, plain: Object = PLAIN) -> Object:
    return with_canary(plain, SERVICES, percent, header)


# A header of somebody else's rule may say the same words as ours.
wanted_headers = st.fixed_dictionaries(
    {
        "type": st.just("Exact"),
        "name": st.sampled_from([HEADER, "X-Preview"]),
        "value": st.sampled_from(["always", "never", "v2"]),
    }
)
own_headers = wanted_headers.filter(lambda header: header["value"] == "v2")


def matches(wanted: st.SearchStrategy[Object]) -> st.SearchStrategy[list[Object]]:
    one = st.fixed_dictionaries(
        {}, optional={"path": st.just(path("/app")["path"]), "headers": st.lists(wanted)}
    )
    return st.lists(one, max_size=3)


@st.composite
def rules(draw: st.DrawFn, names: list[str], wanted: st.SearchStrategy[Object]) -> Object:
    ref = {"name": draw(st.sampled_from(names)), "port": draw(st.integers(1, 9)), "weight": 1}
    optional = {"matches": matches(wanted), "timeouts": st.just({"request": "9s"})}
    more: Object = draw(st.fixed_dictionaries({}, optional=optional))
    return {**more, "backendRefs": [ref]}


own_rules = rules(["web"], own_headers)
other_rules = rules(["cart", "web-2", "canary"], wanted_headers)
annotations = st.fixed_dictionaries({}, optional={"annotations": st.just({"note": "x"})})


@st.composite
def plain_routes(draw: st.DrawFn) -> Object:
    """Draw a route that leads to the component, and elsewhere."""
    found = draw(st.lists(own_rules | other_rules, max_size=3))
    found.insert(draw(st.integers(0, len(found))), draw(own_rules))
    return route(*found, **draw(annotations))


percents = st.integers(0, 100)
maybe_header = st.sampled_from([None, HEADER])


@given(plain_routes(), percents, maybe_header)
def test_a_canary_that_goes_leaves_the_route_as_it_was(
    plain: Object, percent: int, header: str | None
) -> None:
    assert without_canary(shared(percent, header, plain), SERVICES) == plain
    assert without_canary(plain, SERVICES) == plain


@pytest.mark.parametrize("header", [None, HEADER])
@pytest.mark.parametrize("percent", range(101))
def test_a_share_is_read_back_as_it_was_wished(percent: int, header: str | None) -> None:
    assert canary_percent(shared(percent, header), SERVICES) == percent


@given(plain_routes(), percents, percents, maybe_header)
def test_a_share_does_not_depend_on_the_one_before(
    plain: Object, before: int, percent: int, header: str | None
) -> None:
    wanted = shared(percent, header, plain)
    assert shared(percent, header, shared(before, header, plain)) == wanted
    assert shared(percent, header, shared(before, HEADER, plain)) == wanted
    assert shared(percent, header, wanted) == wanted


@given(plain_routes(), percents, maybe_header)
def test_rules_that_lead_elsewhere_stay_as_they_are_and_where_they_are(
    plain: Object, percent: int, header: str | None
) -> None:
    before = plain["spec"]["rules"]
    after = shared(percent, header, plain)["spec"]["rules"]
    for index, each in enumerate(before):
        if "web" not in backends(each):
            assert after[index] == each


@given(plain_routes(), percents, maybe_header)
def test_every_rule_of_the_component_keeps_its_place_and_all_but_its_backends(
    plain: Object, percent: int, header: str | None
) -> None:
    stable, canary = router_weights(percent)
    before = plain["spec"]["rules"]
    found = shared(percent, header, plain)
    for was, now in zip(before, found["spec"]["rules"], strict=False):
        assert {**now, "backendRefs": []} == {**was, "backendRefs": []}
        if "web" in backends(was):
            assert backends(now) == {"web": stable, "web-canary": canary}
            assert {ref["port"] for ref in now["backendRefs"]} == {was["backendRefs"][0]["port"]}
    assert shared_rules(found, SERVICES) == len(before)


@given(plain_routes(), percents, maybe_header)
def test_who_asks_by_header_has_rules_at_the_end_while_both_take_requests(
    plain: Object, percent: int, header: str | None
) -> None:
    before = plain["spec"]["rules"]
    pinned = shared(percent, header, plain)["spec"]["rules"][len(before) :]
    own = [each for each in before if "web" in backends(each)]
    if header is None or percent in (0, 100):
        assert pinned == []
        return
    assert len(pinned) == 2 * len(own)
    words = {"web": "never", "web-canary": "always"}
    for each in pinned:
        ((service, weight),) = backends(each).items()
        assert weight > 0
        wanted = {"type": "Exact", "name": HEADER, "value": words[service]}
        assert all(wanted in match["headers"] for match in each["matches"])


def test_a_header_is_asked_for_beside_what_a_rule_matches_anyway() -> None:
    v2 = {"type": "Exact", "name": "X-Api", "value": "v2"}
    plain = route(rule("web", path("/app"), {"headers": [v2]}), rule("web"))
    always = {"type": "Exact", "name": HEADER, "value": "always"}
    pinned = [
        each
        for each in shared(10, HEADER, plain)["spec"]["rules"][2:]
        if "web-canary" in backends(each)
    ]
    assert [each["matches"] for each in pinned] == [
        [{**path("/app"), "headers": [always]}, {"headers": [v2, always]}],
        [{"headers": [always]}],
    ]


@pytest.mark.parametrize(("stable", "canary", "percent"), [(3, 1, 25), (0, 0, 0), (1, 2, 67)])
def test_of_weights_that_somebody_else_has_set_the_share_is_told(
    stable: int, canary: int, percent: int
) -> None:
    found = shared(10)
    for ref, weight in zip(found["spec"]["rules"][0]["backendRefs"], (stable, canary), strict=True):
        ref["weight"] = weight
    assert canary_percent(found, SERVICES) == percent


def test_a_route_without_a_canary_has_no_share() -> None:
    assert canary_percent(PLAIN, SERVICES) is None
    assert canary_percent(without_canary(shared(10), SERVICES), SERVICES) is None
    assert canary_percent(shared(10), {"stable": "cart", "canary": "cart-canary"}) is None


def test_making_another_route_leaves_the_first_alone() -> None:
    before = route(rule("web", path("/app")), annotations={"note": "x"})
    same = route(rule("web", path("/app")), annotations={"note": "x"})
    without_canary(shared(10, HEADER, before), SERVICES)
    assert before == same


def test_a_route_leads_to_the_services_that_its_rules_name_in_full() -> None:
    both = route(rule("web"), rule("cart"), {"filters": [{"type": "RequestRedirect"}]})
    assert leads_to(both, "web")
    assert leads_to(both, "cart")
    assert not leads_to(both, "we")
    assert not leads_to(both, "web-canary")
    assert leads_to(shared(10), "web-canary")


def condition(kind: str, status: str = "True", generation: int = 2, **more: str) -> Object:
    told = {"type": kind, "status": status, "observedGeneration": generation, "reason": kind}
    return {**told, **more}


def accepted(*parents: list[Object]) -> Object:
    """Return a route of which each gateway has said something."""
    return {**PLAIN, "status": {"parents": [{"conditions": each} for each in parents]}}


WELL = [condition("Accepted"), condition("ResolvedRefs")]


def test_a_route_that_every_gateway_has_taken_over_lacks_nothing() -> None:
    assert unaccepted(accepted(WELL)) == ""
    assert unaccepted(accepted(WELL, WELL)) == ""
    assert unaccepted(accepted([*WELL, condition("PartiallyInvalid", "False")])) == ""


@pytest.mark.parametrize("found", [PLAIN, {**PLAIN, "status": {}}, accepted()])
def test_a_route_that_no_gateway_has_looked_at_waits_for_one(found: Object) -> None:
    assert unaccepted(found) == "no gateway has taken it over yet"


def test_a_route_waits_for_every_gateway_that_it_names() -> None:
    found = accepted(WELL)
    found["spec"] = {**found["spec"], "parentRefs": [{"name": "gateway"}, {"name": "inner"}]}
    assert unaccepted(found) == "no gateway has taken it over yet"


@pytest.mark.parametrize(
    "conditions",
    [
        [condition("Accepted", generation=1), condition("ResolvedRefs")],
        [condition("Accepted"), condition("ResolvedRefs", generation=1)],
        [condition("Accepted", "False", generation=1)],
    ],
)
def test_what_a_gateway_said_of_an_earlier_state_does_not_count(conditions: list[Object]) -> None:
    assert unaccepted(accepted(conditions)) == "the gateway has not seen its latest change yet"


@pytest.mark.parametrize(
    ("kind", "others"), [*product(["Accepted", "ResolvedRefs"], [[], [WELL], [WELL, WELL]])]
)
def test_one_gateway_that_refuses_is_enough_and_has_its_words_told(
    kind: str, others: list[list[Object]]
) -> None:
    refused = condition(kind, "False", reason="BackendNotFound", message="no Service web-canary")
    found = accepted(*others, [refused])
    assert unaccepted(found) == "the gateway says BackendNotFound: no Service web-canary"


def test_the_share_is_what_the_weights_give() -> None:
    assert canary_share([shared(10, HEADER)], SERVICES) == 1031 / 10080
    assert canary_share([shared(10), shared(10)], SERVICES) == 1031 / 10080


def test_no_share_is_told_where_rules_differ_or_one_version_has_all() -> None:
    assert canary_share([shared(10), shared(25)], SERVICES) is None
    assert canary_share([shared(0)], SERVICES) is None
    assert canary_share([shared(100)], SERVICES) is None
    assert canary_share([PLAIN], SERVICES) is None
