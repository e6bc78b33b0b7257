"""What a target remembers of contract migrations: which revisions they cut off."""

from deploytool.record.store import TargetState
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
