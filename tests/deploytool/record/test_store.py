"""What a target remembers of contract migrations: which revisions they cut off."""

import json
import math

import pytest
from pydantic import ValidationError

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.observation import ArmCounters
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.record.store import TargetState, read_state
from deploytool.system.policy import CanaryPolicy
from deploytool.system.revision import Revision


def revision(component: str, name: str) -> Revision:
    return Revision(component=component, id=name, artifact="ff", environment={})


STATE = TargetState(
    stable={"web": revision("web", "w3"), "shop": revision("shop", "s2")},
    earlier={
        "web": (revision("web", "w2"), revision("web", "w1")),
        "shop": (revision("shop", "s1"),),
    },
)


def test_a_contract_migration_cuts_off_every_components_earlier_revisions() -> None:
    past = STATE.with_cut_off(["1_drop.sql"]).migrations_past()
    assert past == dict.fromkeys(("w1", "w2", "s1"), ("1_drop.sql",))


def test_a_revision_may_be_cut_off_by_several_migrations_named_in_their_order() -> None:
    state = STATE.with_cut_off(["2_drop.sql"]).with_cut_off(["1_drop.sql"])
    assert state.migrations_past()["w1"] == ("1_drop.sql", "2_drop.sql")


def test_what_became_earlier_afterwards_is_not_cut_off() -> None:
    state = STATE.with_cut_off(["1_drop.sql"])
    earlier = {**state.earlier, "web": (revision("web", "w3"), *state.earlier["web"])}
    assert "w3" not in state.model_copy(update={"earlier": earlier}).migrations_past()


def test_a_migration_that_was_not_applied_cuts_nothing_off() -> None:
    state = STATE.with_cut_off(["1_drop.sql", "2_drop.sql"]).without_cut_off(["2_drop.sql"])
    assert set(state.migrations_past().values()) == {("1_drop.sql",)}


def test_what_is_no_longer_remembered_is_no_longer_named() -> None:
    state = STATE.with_cut_off(["1_drop.sql"])
    state = state.model_copy(update={"earlier": {"web": (revision("web", "w2"),)}})
    assert set(state.with_cut_off([]).migrations_past()) == {"w2"}


def test_the_state_comes_back_from_json_as_it_was() -> None:
    state = STATE.with_cut_off(["1_drop.sql"])
    assert TargetState.model_validate_json(state.model_dump_json()) == state


OBSERVED = STATE.model_copy(
    update={
        "canary": Canary(
            run="r1",
            component="web",
            stable=revision("web", "w3"),
            canary=revision("web", "w4"),
            steps=(20, 50),
            phase=Phase.OBSERVING,
            since=0.0,
            evidence=CanaryEvidence.new(
                VerdictPolicy.of(CanaryPolicy()),
                (20, 50),
                ArmCounters(requests={200: 5}, buckets=((math.inf, 5),)),
            ),
        )
    }
)


def test_evidence_is_read_as_it_was_kept() -> None:
    assert read_state(OBSERVED.model_dump_json()) == OBSERVED


def test_evidence_that_another_version_kept_is_left_out_and_nothing_else() -> None:
    content = json.loads(OBSERVED.model_dump_json())
    del content["canary"]["evidence"]["share"]
    content["canary"]["evidence"]["policy"]["are_client_errors_counted"] = True
    found = read_state(json.dumps(content))
    assert OBSERVED.canary is not None
    kept = OBSERVED.canary.model_copy(update={"evidence": None})
    assert found == OBSERVED.model_copy(update={"canary": kept})
    assert found.canary is not None
    assert found.canary.is_evidence_lost
    assert not OBSERVED.canary.is_evidence_lost


def test_a_state_with_any_other_damage_is_not_read() -> None:
    content = json.loads(OBSERVED.model_dump_json())
    del content["canary"]["evidence"]["share"]
    del content["canary"]["run"]
    with pytest.raises(ValidationError):
        read_state(json.dumps(content))
