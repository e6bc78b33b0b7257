"""What people do with a deployed system, on every platform that goes on by itself."""

import json
import signal
from typing import Any
from uuid import uuid4

import httpx2

from tests.end_to_end.deployed import COMPONENT, Deployed, consistent, events, until

SEED = "20261101000300"
FORGET = "DELETE FROM schema_migrations WHERE version = '20261101000300'"
REMEMBER = "INSERT INTO schema_migrations VALUES ('20261101000300')"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrations%'"


class Operations:
    """The tests, for a subclass beside a platform's own fixtures."""

    def test_a_detached_canary_goes_on_by_itself_and_can_be_aborted(
        self, deployed: Deployed
    ) -> None:
        before = deployed.stable()
        deployed.done("canary", COMPONENT, "--env", "TRIAL=detached", "--no-load", "--detach")
        assert deployed.status()["holder"] is not None
        assert deployed.done("abort")["result"] == "rolled-back"
        assert deployed.stable() == before

    def test_the_logs_are_those_of_the_components_named(self, deployed: Deployed) -> None:
        ended = deployed.run("logs", COMPONENT, "database", "--lines", "20", "--output", "json")
        assert ended.code == 0, str(ended)
        lines = [json.loads(line) for line in ended.output.splitlines()]
        assert {line["component"] for line in lines} == {COMPONENT, "database"}

    def test_a_migration_that_waits_names_who_it_waits_for_and_ends_with_its_tool(
        self, deployed: Deployed
    ) -> None:
        deployed.psql(FORGET)
        held = "LOCK TABLE shop.products IN SHARE MODE"
        try:
            with deployed.psql_held(held):
                process = deployed.start("up")
                until(
                    lambda: any(held in each["reason"] for each in waits(deployed)),
                    what="the migration waits",
                )
                process.send_signal(signal.SIGINT)
                assert deployed.ended(process, timeout_s=30).code == 130
                assert deployed.psql(SESSIONS) == "0"
        finally:
            deployed.psql(REMEMBER)
        assert all(each["object"].startswith(SEED) for each in waits(deployed))
        consistent(deployed)

    def test_down_keeps_the_data_and_up_finds_it_again(self, deployed: Deployed) -> None:
        answer = httpx2.post(
            deployed.url() + "/app/api/orders",
            json={"customer": "Ada", "lines": [{"sku": "CUP-GLAZE", "qty": 1}]},
            headers={"Idempotency-Key": str(uuid4())},
            timeout=10,
        )
        assert answer.status_code == 201, answer.text
        order = f"/app/api/orders/{answer.json()['id']}"
        deployed.done("down")
        assert {each["condition"] for each in deployed.status()["instances"]} == {"absent"}
        deployed.done("up")
        kept = httpx2.get(deployed.url() + order, timeout=10)
        assert (kept.status_code, kept.json()["lines"]) == (200, answer.json()["lines"])
        consistent(deployed)


def waits(deployed: Deployed) -> list[dict[str, Any]]:
    """Return what migrations have waited for."""
    return [each for each in events(deployed.record(), "waiting") if ".sql" in each["object"]]
