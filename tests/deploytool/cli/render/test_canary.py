"""The end of a canary in a few lines: what, why, and what the traffic met besides."""

from deploytool.canary.machine import Canary, Phase
from deploytool.cli.render.canary import canary_as_dict, canary_as_text
from deploytool.operations.canary import CanaryResult
from deploytool.operations.load import TrafficResult
from deploytool.system.revision import revision_of
from deploytool.traffic.load.counts import LoadCounts

CALLER = "meanwhile front 0f3c answered 12 of 300 requests not as expected (503: 12): it calls back"
ENDED = CanaryResult(
    Canary(
        run="r",
        component="back",
        stable=revision_of("back", "old", {}),
        canary=revision_of("back", "new", {}),
        steps=(10,),
        phase=Phase.ROLLED_BACK,
        decision="errors: too many",
        since=0.0,
        is_judged_bad=True,
    ),
    TrafficResult(LoadCounts(requests=300), unknown=("/orders/1: no answer within 10 s",)),
    callers=(CALLER,),
)


def test_who_suffered_and_what_could_not_be_asked_stand_between_the_reason_and_the_result() -> None:
    assert canary_as_text(ENDED, 13.5).splitlines()[:-1] == [
        "why:     errors: too many",
        "traffic: 300 requests in 0 s; none failed",
        "data:    could not be asked within 30 s: 1 (for example /orders/1: no answer within 10 s)",
        f"callers: {CALLER}",
    ]


def test_programs_are_told_the_same() -> None:
    told = canary_as_dict(ENDED)
    assert told["callers"] == [CALLER]
    assert told["load"]["lost"] == []
    assert told["load"]["unknown"] == ["/orders/1: no answer within 10 s"]
    assert told["exit_code"] == 4
