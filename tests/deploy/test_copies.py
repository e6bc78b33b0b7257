"""What stands twice under deploy/, as neither Compose nor kustomize reads beyond its own folder."""

from pathlib import Path

import yaml

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
