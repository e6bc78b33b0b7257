"""Canaries and the database: what is added first, what is taken away last, and no way back past it.

In a folder of its own: what it adds to the migrations, no other test may meet.
"""

import re
from collections.abc import Iterator

import pytest

from tests.end_to_end.deployed import COMPONENT, events
from tests.end_to_end.local.conftest import Deploytool

OTHER = "legacy-app"
LOAD = ("--steps", "50", "--load", "80")


class Shop(Deploytool):
    """A deployed system whose declaration and migrations a test may change."""

    def migration(self, kind: str, name: str, statement: str) -> str:
        folder = self.root / "deploy/database/migrations" / kind
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"-- migrate:up\n{statement};\n-- migrate:down\n")
        return name

    def forget(self, kind: str, name: str) -> None:
        (self.root / "deploy/database/migrations" / kind / name).unlink()

    def build(self, trial: str, *components: str) -> None:
        """Make the components' next revisions, as a change of their sources would."""
        path = self.root / "deploy/system.yaml"
        text = path.read_text()
        for component in components:
            declared = (
                rf"(\n  {component}:\n(?:    .*\n)*?    environment:\n)(?:      TRIAL: .*\n)?"
            )
            text, count = re.subn(declared, rf"\g<1>      TRIAL: {trial}\n", text)
            assert count == 1
        path.write_text(text)

    def pending(self) -> dict[str, str]:
        """Return the migrations that `plan` shows as pending, and what it says of each."""
        ended = self.run("plan", "--output", "json")
        assert ended.code in {0, 3}, str(ended)
        return {c["object"]: c["why"] for c in ended.result["changes"] if c["op"] == "migrate"}

    def position(self, event: str, subject: str, result: str = "") -> int:
        """Return where the last such line stands in the record."""
        found = [
            number
            for number, line in enumerate(self.record())
            if line.get("event") == event and subject in line["object"]
            if result in line.get("result", "")
        ]
        assert found, f"{event} {subject} {result} is not on record"
        return found[-1]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("migrations") / "repository")
    shop.make()
    try:
        shop.done("up")
        shop.done("load", "--load", "80", "--duration", "20")
        yield shop
    finally:
        shop.done("down", "--volumes", "--yes")


def test_an_expand_migration_is_there_before_the_canary_and_stays_without_it(shop: Shop) -> None:
    name = shop.migration(
        "expand", "20270101000000_note.sql", "ALTER TABLE inventory.reservations ADD note text"
    )
    assert shop.pending() == {name: "expand: not applied yet"}
    shop.done("canary", COMPONENT, "--env", "INVENTORY_FAULT=error:0.5", *LOAD, code=4)
    started = shop.position("started", f"{COMPONENT} canary")
    assert shop.position("migrated", name) < started
    assert shop.pending() == {}


def test_a_contract_migration_waits_for_every_component_and_cuts_off_what_was_before(
    shop: Shop,
) -> None:
    before = {name: shop.stable(name) for name in (COMPONENT, OTHER)}
    name = shop.migration(
        "contract", "20270101000100_no_index.sql", "DROP INDEX inventory.idempotency_created_at"
    )
    shop.build("one", COMPONENT, OTHER)
    waits = f"once {COMPONENT} and {OTHER} run what is built, and nothing older does"
    assert shop.pending() == {name: f"contract: {waits}"}

    shop.done("canary", COMPONENT, *LOAD)
    assert name in shop.pending(), "the other component may still use what it takes away"
    note = events(shop.record(), "note")[-1]
    assert note["object"] == name
    assert note["reason"].startswith(f"it waits, as {OTHER} does not run what is built; ")

    shop.done("canary", OTHER, *LOAD)
    promoted = shop.position("transition", OTHER, "promoted")
    assert promoted < shop.position("migrated", name, "contract")
    assert shop.pending() == {}

    for component, revision in before.items():
        refused = shop.done("rollback", component, "--to", revision, code=1)
        assert refused["what"] == f"{component} cannot go back to {revision}"
        assert refused["why"].startswith(f"contract migration {name} took away")
        assert shop.stable(component) != revision
    assert {tuple(past) for past in shop.status()["cut_off"].values()} == {(name,)}
    told = f"{OTHER} cannot go back to {before[OTHER]}: contract migration {name} took away"
    assert told in shop.run("status").output


def test_what_came_after_a_contract_migration_can_be_gone_back_to(shop: Shop) -> None:
    shop.migration("contract", "20270101000200_nothing.sql", "SELECT 1")
    shop.build("two", COMPONENT)
    shop.done("up")
    assert shop.pending() == {}
    with_it = shop.stable()
    shop.build("three", COMPONENT)
    shop.done("up")
    assert shop.done("rollback", COMPONENT)["to"] == with_it
    assert with_it not in shop.status()["cut_off"]


def test_a_refused_contract_migration_cuts_nothing_off(shop: Shop) -> None:
    shop.done("up")
    before = shop.status()
    name = shop.migration("contract", "20270101000300_typo.sql", "ALTER TABLE nothing DROP x")
    refused = shop.done("up", code=1)
    assert name in refused["what"]
    assert shop.status()["cut_off"] == before["cut_off"]
    shop.done("rollback", COMPONENT)
    shop.forget("contract", name)


def test_a_contract_migration_newer_than_the_canary_waits_for_the_next(shop: Shop) -> None:
    shop.build("four", COMPONENT)
    shop.done("up")
    shop.build("five", COMPONENT)
    shop.done("canary", COMPONENT, *LOAD, "--hold", code=5)
    name = shop.migration("contract", "20270101000400_later.sql", "SELECT 1")
    shop.done("promote")
    assert f"{name} is newer than the canary" in events(shop.record(), "note")[-1]["reason"]
    assert shop.pending() == {name: "contract: nothing older runs"}
    shop.done("up")
    assert shop.pending() == {}
