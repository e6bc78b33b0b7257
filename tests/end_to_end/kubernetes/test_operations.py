"""What people do with the system on the kubernetes target."""

import signal

from deploytool.platforms.kubernetes.objects import COMPONENT as OF_COMPONENT
from deploytool.platforms.kubernetes.objects import Object, labels_of
from tests.end_to_end.deployed import COMPONENT, consistent, until
from tests.end_to_end.kubernetes.conftest import Deploytool
from tests.end_to_end.operations import Operations

# As it is for a process that was left behind, and for whoever does not start deploytool by Pants.
NOTHING = "{}"


class TestOperations(Operations):
    """On the kubernetes target."""

    def test_a_command_without_a_build_leaves_database_and_gateway_as_they_are(
        self, deployed: Deploytool
    ) -> None:
        before, drift = workloads(deployed), deployed.status()["drift"]
        assert set(before) == {"database", "gateway"}
        with deployed.visitors(rate=60) as counts:
            process = deployed.start(
                "canary", COMPONENT, "--env", "TRIAL=unbuilt", "--no-load", "--steps", "50"
            )
            until(lambda: deployed.status()["canary"] is not None, what="the canary begins")
            process.send_signal(signal.SIGINT)
            assert deployed.ended(process, timeout_s=30).code == 130
            assert deployed.done("status", DEPLOYTOOL_ARTIFACTS=NOTHING)["drift"] == drift
            # What the services would become is not known: that is said, and nothing done.
            assert deployed.run("plan", DEPLOYTOOL_ARTIFACTS=NOTHING).code == 2
            assert workloads(deployed) == before
            deployed.done("resume", "--no-load", DEPLOYTOOL_ARTIFACTS=NOTHING)
        assert workloads(deployed) == before
        assert counts().failures == 0, counts()
        consistent(deployed)


def workloads(deployed: Deploytool) -> dict[str, tuple[int, str]]:
    """Return the generation and the image of what runs each component that is no service."""
    found = [*deployed.objects("statefulsets"), *deployed.objects("deployments")]
    known = {labels_of(each).get(OF_COMPONENT): each for each in found}
    return {name: version(known[name]) for name in ("database", "gateway") if name in known}


def version(workload: Object) -> tuple[int, str]:
    [container] = workload["spec"]["template"]["spec"]["containers"]
    return int(workload["metadata"]["generation"]), str(container["image"])
