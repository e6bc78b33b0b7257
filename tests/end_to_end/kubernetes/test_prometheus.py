"""A canary judged by what a Prometheus outside the cluster has read from the gateway's pods."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploytool.traffic.prometheus import PrometheusApi
from tests.end_to_end.canaries import in_total, observed
from tests.end_to_end.deployed import COMPONENT, consistent
from tests.end_to_end.kubernetes.conftest import Deploytool
from tests.end_to_end.policies import UNHURRIED
from tests.prometheus import prometheus

# Longer than between two polls: most of these find the same counters as before.
INTERVAL_S = 2
PORT = "    metrics_port: 9100\n"


@pytest.fixture
def api(deployed: Deploytool, tmp_path: Path) -> Iterator[PrometheusApi]:
    """The Prometheus that the target names meanwhile."""
    targets = deployed.root / "deploy" / "targets.yaml"
    before = targets.read_text()
    assert before.count(PORT) == 1
    with prometheus(tmp_path, [gateway(deployed, tmp_path)], interval_s=INTERVAL_S) as url:
        named = f"    prometheus: {{url: {url}, selector: 'namespace=\"{deployed.namespace}\"'}}\n"
        targets.write_text(before.replace(PORT, PORT + named))
        try:
            yield PrometheusApi(url)
        finally:
            targets.write_text(before)


def gateway(deployed: Deploytool, folder: Path) -> dict[str, Any]:
    """Return the job that reads the gateway's pods through the API server.

    That way is open wherever the cluster is. Debian's Prometheus is built without what finds pods.
    """
    content = yaml.safe_load(Path(deployed.environment["KUBECONFIG"]).read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    authority = folder / "ca.crt"
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    names = [pod["metadata"]["name"] for pod in deployed.pods("gateway")]
    return {
        "job_name": "gateway",
        "scheme": "https",
        "tls_config": {"ca_file": str(authority)},
        "authorization": {"credentials": user["token"]},
        "static_configs": [
            {
                "targets": [urlsplit(cluster["server"]).netloc],
                "labels": {
                    "namespace": deployed.namespace,
                    "pod": name,
                    "instance": name,
                    "__metrics_path__": f"/api/v1/namespaces/{deployed.namespace}/pods/{name}:9100"
                    "/proxy/metrics",
                },
            }
            for name in names
        ],
    }


def test_a_healthy_canary_is_promoted_on_counters_that_come_late(
    deployed: Deploytool, api: PrometheusApi
) -> None:
    before, known = deployed.stable(), len(deployed.record())
    # Time for the counters of before the weight was set to come: the share is measured here.
    with deployed.declared(**UNHURRIED), deployed.visitors() as counts:
        result = deployed.done(
            "canary", COMPONENT, "--env", "TRIAL=prometheus", "--no-load", "--steps", "50"
        )
    assert result["result"] == "promoted"
    assert deployed.stable() == result["canary"] != before
    assert counts().failures == 0, counts()
    polls = observed(deployed.record()[known:])
    # Read through the API server, no two polls would have the same counters.
    assert any(poll.seconds == 0 and poll.requests == 0 for poll in polls)
    total = in_total(polls)
    assert total.canary.answered / total.requests == pytest.approx(0.5, abs=0.1), total
    assert api.samples("up", api.now(), 60)
    consistent(deployed)


def test_errors_are_seen_in_the_late_counters_and_rolled_back(
    deployed: Deploytool, api: PrometheusApi
) -> None:
    before, known = deployed.stable(), len(deployed.record())
    with deployed.visitors():
        result = deployed.done(
            "canary", COMPONENT, "--env", "INVENTORY_FAULT=error:0.2", "--no-load",
            "--steps", "50", code=4,
        )  # fmt: skip
    assert result["result"] == "rolled-back"
    assert result["reason"].startswith("errors:")
    assert "status 500" in result["reason"]
    assert deployed.stable() == before
    assert any(poll.canary.failed() for poll in observed(deployed.record()[known:]))
    assert api.samples("up", api.now(), 60)
    consistent(deployed)
