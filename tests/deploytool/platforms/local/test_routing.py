"""The real router: the header that chooses, the cookie that keeps, the time to answer in."""

import math
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import httpx2
import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.operations.context import Context
from deploytool.operations.replacement import carry_on
from deploytool.platforms.base import Platform, Role
from deploytool.platforms.local.orphans import processes
from deploytool.record.event import Event
from deploytool.system.declaration import System
from tests.deploytool.platforms.local.conftest import Place, declared
from tests.deploytool.platforms.local.traffic import Visitors

ALWAYS, NEVER = {"X-Canary": "always"}, {"X-Canary": "never"}


def system(**canary: str | int) -> System:
    """Return the tests' system with a canary policy for its service."""
    return declared(canary=canary)


@pytest.fixture
def place(place: Place) -> Place:
    policy = system(header="X-Canary", sticky_cookie="version", requests_failing_together=3)
    return replace(place, system=policy)


class Visitor:
    """Somebody with a browser: it keeps its cookies."""

    def __init__(self, platform: Platform) -> None:
        self.browser = httpx2.Client(base_url=platform.gateway_url(), trust_env=False)

    def served_by(self, headers: dict[str, str] | None = None) -> str:
        """Return the revision that answers the next request."""
        answer = self.browser.get("/app/", headers=headers)
        assert answer.status_code == 200
        revision: str = answer.json()["revision"]
        return revision


def strangers(platform: Platform, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Yield the revision that serves each of ever new visitors."""
    visitor = Visitor(platform)
    while True:
        yield visitor.served_by(headers)
        visitor.browser.cookies.clear()


def counted(platform: Platform) -> tuple[int, int]:
    snapshot = platform.observe("web")
    return snapshot.stable.answered, snapshot.canary.answered


@pytest.fixture
def canary(place: Place, up: Platform) -> str:
    """The id of a canary that is ready and has no weight yet."""
    return place.start(up, Role.CANARY, SHADE="blue").id


@pytest.fixture
def stable(place: Place) -> str:
    return place.revision().id


def test_the_header_chooses_whatever_the_weight_and_is_not_observed(
    up: Platform, stable: str, canary: str
) -> None:
    for percent in (10, 50, 90):
        up.set_weight("web", percent, 10)
        before = up.observe("web")
        assert before.load_ratio == percent / (100 - percent)
        assert set(islice(strangers(up, ALWAYS), 15)) == {canary}
        assert set(islice(strangers(up, NEVER), 15)) == {stable}
        after = up.observe("web")
        assert (after.stable, after.canary) == (before.stable, before.canary)


def test_another_value_of_the_header_is_served_by_weight(
    up: Platform, stable: str, canary: str
) -> None:
    up.set_weight("web", 50, 10)
    before = counted(up)
    served = list(islice(strangers(up, {"X-Canary": "Always"}), 20))
    assert set(served) == {stable, canary}
    assert sum(counted(up)) - sum(before) == 20


@pytest.mark.parametrize(("percent", "gains"), [(0, (20, 0)), (100, (0, 20))])
def test_the_header_changes_nothing_while_one_version_gets_everything(
    up: Platform, stable: str, canary: str, percent: int, gains: tuple[int, int]
) -> None:
    up.set_weight("web", 10, 10)
    up.set_weight("web", percent, 10)
    before = counted(up)
    for headers in (ALWAYS, NEVER):
        assert set(islice(strangers(up, headers), 10)) == {canary if percent else stable}
    after = counted(up)
    assert (after[0] - before[0], after[1] - before[1]) == gains


def test_a_header_declared_anew_is_in_force_when_start_returns(
    place: Place, up: Platform, canary: str
) -> None:
    up.set_weight("web", 10, 10)
    with replace(place, system=system(header="X-Try")).open() as platform:
        platform.start(place.revision(), Role.STABLE)
        assert set(islice(strangers(platform, {"X-Try": "always"}), 10)) == {canary}
        assert set(islice(strangers(platform, ALWAYS), 10)) != {canary}


def test_an_answer_that_does_not_come_in_time_is_a_504_of_the_version_that_owes_it(
    place: Place, up: Platform, canary: str
) -> None:
    with replace(place, system=declared(answer_within_s=0.5)).open() as platform:
        planned = {"route of web": "header: X-Canary -> none, answer_within_s: 30.0 -> 0.5"}
        assert platform.foundation_changes() == planned
        platform.set_weight("web", 100, 10)
        assert up.request_through_gateway("/app/work").status == 200
        assert list(platform.start_foundation(30)) == ["route of web"]
        assert platform.foundation_changes() == {}
        before = platform.observe("web")
        answer = platform.request_through_gateway("/app/hang")
        assert answer.status == 504
        assert answer.elapsed_s < 1.5
        after = platform.observe("web")
        assert after.canary.failures() == {504: before.canary.failures().get(504, 0) + 1}
        assert after.stable == before.stable
    with replace(place, system=declared(answer_within_s=4)).open() as platform:
        platform.start_foundation(30)
        assert platform.request_through_gateway("/app/hang").status == 200


def test_visitors_stay_with_their_version_until_one_gets_everything(
    up: Platform, stable: str, canary: str
) -> None:
    up.set_weight("web", 50, 10)
    visitors = [Visitor(up) for _ in range(20)]
    first = [visitor.served_by() for visitor in visitors]
    assert first.count(canary) == pytest.approx(10, abs=2)
    for percent in (10, 90):
        up.set_weight("web", percent, 10)
        assert [visitor.served_by() for visitor in visitors] == first
    for percent, everything in ((0, stable), (100, canary)):
        up.set_weight("web", percent, 10)
        stranger = Visitor(up)
        assert {visitor.served_by() for visitor in [*visitors, stranger]} == {everything}
        assert not stranger.browser.cookies


def test_the_header_overrules_the_cookie(up: Platform, stable: str, canary: str) -> None:
    up.set_weight("web", 50, 10)
    visitors = [Visitor(up) for _ in range(6)]
    first = [visitor.served_by() for visitor in visitors]
    assert {visitor.served_by(ALWAYS) for visitor in visitors} == {canary}
    assert {visitor.served_by(NEVER) for visitor in visitors} == {stable}
    assert [visitor.served_by() for visitor in visitors] == first


def test_the_next_canary_does_not_begin_with_the_visitors_of_the_last(
    place: Place, up: Platform, canary: str
) -> None:
    up.set_weight("web", 99, 10)
    visitors = [Visitor(up) for _ in range(20)]
    assert [visitor.served_by() for visitor in visitors].count(canary) >= 19
    up.stop("web", Role.CANARY)
    place.start(up, Role.CANARY, SHADE="blue")
    up.set_weight("web", 1, 10)
    assert [visitor.served_by() for visitor in visitors].count(canary) <= 1


def test_a_canary_that_is_started_again_in_its_place_keeps_its_visitors(
    place: Place, up: Platform, canary: str
) -> None:
    up.set_weight("web", 50, 10)
    visitors = [Visitor(up) for _ in range(10)]
    first = [visitor.served_by() for visitor in visitors]
    place.start(up, Role.CANARY, SHADE="blue")
    assert [visitor.served_by() for visitor in visitors] == first


def test_no_request_is_lost_while_weights_change_whoever_sends_it(
    place: Place, up: Platform, canary: str
) -> None:
    url = up.gateway_url() + "/app/work"
    with (
        Visitors(url, 30) as kept,
        Visitors(url, 30, ALWAYS) as pro,
        Visitors(url, 30, NEVER) as con,
    ):
        for percent in (10, 50, 100):
            time.sleep(0.4)
            up.set_weight("web", percent, 10)
        place.start(up, Role.STABLE, SHADE="blue")
        for percent in (0, 25, 0):
            up.set_weight("web", percent, 10)
            time.sleep(0.4)
        up.stop("web", Role.CANARY)
    for visitors in (kept, pro, con):
        assert set(visitors.answers) == {"200"}
        assert visitors.answers["200"] > 50


POLICY = {"poll_s": 0.5, "warm_up_s": 0.5, "least_step_s": 60, "step_deadline_s": 30}
QUICK = declared(answer_within_s=2, canary=POLICY)
RATE = 40
# A poll, and two looks of a second each.
SEEN_WITHIN_S = 4


class Stop:
    """Stops the canary's process once it was observed twice, and lets it end when it is to."""

    def __init__(self, place: Place, platform: Platform, shade: str) -> None:
        self.place, self.platform, self.shade = place, platform, shade
        self.failed_before = 0
        self.stopped = self.unweighted = math.inf

    def __call__(self, event: Event) -> None:
        if event.event == "observation" and event.details["number"] == 2:
            self.failed_before = self.platform.observe("web").canary.failed()
            self._signal(signal.SIGSTOP)
            self.stopped = time.monotonic()
        if event.event == "weight-set" and event.object == "web 0 %":
            self.unweighted = min(self.unweighted, time.monotonic())
        if event.event == "transition" and event.result == Phase.ABORTING:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in processes(self.place.folder):
            is_app = any(Path(word).name == "app.pex" for word in process.cmdline()[:2])
            if is_app and process.environ().get("SHADE") == self.shade:
                process.send_signal(number)


def test_a_stopped_canary_costs_its_visitors_seconds_and_is_taken_back(
    place: Place, up: Platform
) -> None:
    stable, revision = place.revision(), place.revision(SHADE="still")
    stop = Stop(place, up, "still")
    with replace(place, system=QUICK).open() as platform:
        platform.start_foundation(30)
        platform.install(revision, place.service)
        context = Context(QUICK, platform, "local", "r1", "canary", {}, stop)
        canary = Canary(
            run="r1",
            component="web",
            stable=stable,
            canary=revision,
            steps=(50,),
            since=context.now(),
        )
        with Visitors(platform.gateway_url() + "/app/work", RATE) as visitors:
            ended = carry_on(context, canary)
        failed = platform.observe("web").canary.failed()
    assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, True)
    assert ended.decision.startswith("the canary has not answered its readiness path for 2 s: ")
    assert stop.unweighted - stop.stopped < SEEN_WITHIN_S
    # Half of those who came meanwhile got a 504 each, which the router counted for the canary.
    assert set(visitors.answers) == {"200", "504"}
    assert visitors.answers["504"] <= RATE * SEEN_WITHIN_S / 2
    assert failed - stop.failed_before == visitors.answers["504"]
