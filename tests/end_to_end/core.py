"""The main job on every platform: a healthy canary is promoted, a faulty one rolled back.

Of the tests of whole systems these are run when services alone have changed.
"""

from tests.end_to_end.canaries import faulty
from tests.end_to_end.deployed import COMPONENT, Deployed, consistent


class Core:
    """The tests, for a subclass beside a platform's own fixtures."""

    def test_a_healthy_canary_is_promoted_and_loses_no_request(self, deployed: Deployed) -> None:
        before = deployed.stable()
        with deployed.visitors() as counts:
            result = deployed.done("canary", COMPONENT, "--env", "TRIAL=warning", "--no-load")
        assert result["result"] == "promoted"
        assert deployed.stable() == result["canary"] != before
        assert counts().requests > 0
        assert counts().failures == 0, counts()
        consistent(deployed)

    def test_a_second_up_brings_the_build_back_and_a_third_changes_nothing(
        self, deployed: Deployed
    ) -> None:
        with deployed.visitors() as counts:
            deployed.done("up")
            again = deployed.done("up")
        assert again["counts"]["noop"] == len(again["changes"])
        assert deployed.done("plan")["counts"]["noop"] == len(again["changes"])
        assert counts().failures == 0, counts()

    def test_a_rollback_loses_no_request(self, deployed: Deployed) -> None:
        serving = deployed.stable()
        with deployed.visitors() as counts:
            result = deployed.done("rollback", COMPONENT)
        assert result["from"] == serving
        assert deployed.stable() == result["to"]
        assert counts().failures == 0, counts()

    def test_errors_are_rolled_back_and_named(self, deployed: Deployed) -> None:
        result = faulty(deployed, "error:0.2")
        assert result["reason"].startswith("errors:")
        assert "status 500" in result["reason"]

    def test_the_system_is_as_it_is_declared_to_be(self, deployed: Deployed) -> None:
        assert deployed.done("verify")["failed"] == 0
