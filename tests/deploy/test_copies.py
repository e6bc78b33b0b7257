"""What stands twice under deploy/, as neither Compose nor kustomize reads beyond its own folder."""

from pathlib import Path

import pytest
import yaml

from deploytool.system.declaration import read_system
from deploytool.traffic.answer_limits import with_answer_limits

COMPOSE, KUBERNETES = Path("deploy/compose"), Path("deploy/kubernetes/base")
BUCKETS = "--metrics.prometheus.buckets="


def test_the_roles_of_the_database_are_made_by_the_same_statements() -> None:
    files = (COMPOSE / "database" / "roles.sql", KUBERNETES / "roles.sql")
    statements = [
        [line for line in file.read_text().splitlines() if not line.startswith("--")]
        for file in files
    ]
    assert statements[0] == statements[1]


def test_the_gateway_counts_latency_in_the_same_buckets() -> None:
    declared = yaml.safe_load((COMPOSE / "gateway" / "traefik.yaml").read_text())
    buckets = declared["metrics"]["prometheus"]["buckets"]
    arguments = [
        argument
        for item in yaml.safe_load_all((KUBERNETES / "gateway.yaml").read_text())
        if item["kind"] == "Deployment"
        for argument in item["spec"]["template"]["spec"]["containers"][0]["args"]
    ]
    [found] = [each.removeprefix(BUCKETS) for each in arguments if each.startswith(BUCKETS)]
    assert [float(each) for each in found.split(",")] == buckets


@pytest.mark.parametrize("name", ["gateway.yaml", "routes.yaml"])
def test_the_manifests_say_by_themselves_within_what_time_services_answer(name: str) -> None:
    services = read_system(Path("deploy/system.yaml")).services
    limits_s = {each: service.answer_within_s for each, service in services.items()}
    items = list(yaml.safe_load_all((KUBERNETES / name).read_text()))
    assert [with_answer_limits(item, limits_s) for item in items] == items
    # They are there: with others declared they would be others.
    others = dict.fromkeys(limits_s, 1234.0)
    assert [with_answer_limits(item, others) for item in items] != items
