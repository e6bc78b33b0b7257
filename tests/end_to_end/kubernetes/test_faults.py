"""What fails under load, and what visitors see of it: nothing, where something else can serve."""

import time
from collections.abc import Callable

import pytest

from tests.cluster.lifecycle import first_process, stopped
from tests.cluster.programs import API_SERVER
from tests.end_to_end.deployed import COMPONENT, consistent, events, until
from tests.end_to_end.kubernetes.conftest import Deploytool
from tests.end_to_end.policies import QUICK

# Longer, and who asks the server ever more rarely is back only after as long again.
AWAY_S = 10
# While the one gateway is away nobody listens, and what was sent to it gets no answer; legacy-app,
# which reaches the inventory by the same way, says 503.
WITHOUT_GATEWAY = {"refused", "reset", "timeout", "503"}
# While the one database is away the apps say so, then that they are not ready; or nothing in time.
WITHOUT_DATABASE = {"500", "503", "504", "timeout"}


def test_a_canary_outlives_an_api_server_that_is_away(deployed: Deploytool) -> None:
    if first_process() is None:
        pytest.skip("the API server can be stopped on the cluster of these tests alone")
    known = len(deployed.record())
    # Nothing must be decided before the server is away.
    policy = {**QUICK, "least_step_s": 10}
    with deployed.declared(**policy), deployed.visitors() as counts:
        process = deployed.start(
            "canary", COMPONENT, "--env", "TRIAL=away", "--no-load", "--steps", "50",
            "--output", "json",
        )  # fmt: skip
        until(
            lambda: len(events(deployed.record()[known:], "observation")) > 2,
            what="the canary is observed",
        )
        with stopped(API_SERVER):
            time.sleep(AWAY_S)
            assert process.poll() is None
        ended = deployed.ended(process)
    assert ended.code == 0, str(ended)
    assert deployed.stable() == ended.result["canary"]
    told = [line["reason"] for line in events(deployed.record()[known:], "waiting")]
    assert any("API server" in reason and "does not answer" in reason for reason in told), told
    assert counts().failures == 0, counts()
    consistent(deployed)


@pytest.mark.parametrize(
    ("component", "kinds"),
    [
        # The other pod serves meanwhile, and the one that goes does so only when nobody asks it.
        (COMPONENT, set()),
        ("legacy-app", set()),
        # One of each: for some seconds there is none.
        ("gateway", WITHOUT_GATEWAY),
        ("database", WITHOUT_DATABASE),
    ],
)
def test_a_deleted_pod_is_replaced_and_what_failed_meanwhile_is_explained(
    deployed: Deploytool,
    component: str,
    kinds: set[str],
    record_property: Callable[[str, object], None],
) -> None:
    with deployed.visitors() as counts:
        victim = deployed.pods(component)[0]["metadata"]
        deployed.kubectl("delete", "pod", victim["name"], "--wait=false")
        until(
            lambda: is_gone(deployed, victim["uid"]) and deployed.has_recovered(),
            what=f"{component} is back",
        )
        time.sleep(1)
        meanwhile = counts()
        time.sleep(2)
        # Once it is back, nothing fails any more.
        assert counts().failures == meanwhile.failures, counts()
    record_property("failures", dict(meanwhile.failures_by_kind))
    assert set(meanwhile.failures_by_kind) <= kinds, meanwhile
    consistent(deployed)


def is_gone(deployed: Deploytool, uid: str) -> bool:
    return uid not in {pod["metadata"]["uid"] for pod in deployed.objects("pods")}


def test_a_second_canary_from_another_machine_is_refused_and_the_first_goes_on(
    deployed: Deploytool, elsewhere: Deploytool
) -> None:
    with deployed.visitors() as counts:
        first = deployed.start(
            "canary", COMPONENT, "--env", "TRIAL=first", "--no-load", "--steps", "50",
            "--output", "json",
        )  # fmt: skip
        until(lambda: deployed.status()["holder"] is not None, what="the first holds the target")
        second = elsewhere.run("canary", COMPONENT, "--env", "TRIAL=second", "--no-load")
        ended = deployed.ended(first)
    assert second.code == 6, str(second)
    for words in (f"pid {first.pid}", "`canary`", "since"):
        assert words in second.errors, str(second)
    assert (ended.code, ended.result["result"]) == (0, "promoted"), str(ended)
    assert counts().failures == 0, counts()
    consistent(deployed)
