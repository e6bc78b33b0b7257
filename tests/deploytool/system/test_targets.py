"""The targets: what is accepted of a Prometheus, and how mistakes are named."""

from pathlib import Path

import pytest
import yaml

from deploytool.errors import InvalidInput
from deploytool.system.targets import KubernetesTarget, read_target

TARGET = {
    "platform": "kubernetes",
    "manifests": "kubernetes",
    "namespace": "shop",
    "registry": "localhost:5055",
    "migrations": {"expand": "migrations", "contract": "contract-migrations"},
    "metrics_port": 9100,
    "state": ".deploytool/kubernetes",
}
SERVER = {"url": "https://prometheus.example/base", "selector": 'namespace="shop"'}


def read(folder: Path, **fields: object) -> KubernetesTarget:
    path = folder / "targets.yaml"
    target = {**TARGET, "prometheus": {**SERVER, **fields}}
    path.write_text(yaml.safe_dump({"targets": {"there": target}}, sort_keys=False))
    found = read_target(path, "there")
    assert isinstance(found, KubernetesTarget)
    return found


def test_a_prometheus_needs_its_address_and_what_picks_the_series(tmp_path: Path) -> None:
    server = read(tmp_path).prometheus
    assert server is not None
    assert (server.pod_label, server.stale_after_s) == ("pod", 90)


def test_a_cluster_is_taken_to_have_visitors(tmp_path: Path) -> None:
    assert read(tmp_path).has_visitors


@pytest.mark.parametrize("selector", ['a="b"', ' a=~"b|c" , d!="e"', r'a="\"}"'])
def test_matchers_are_those_of_promql(tmp_path: Path, selector: str) -> None:
    server = read(tmp_path, selector=selector).prometheus
    assert server is not None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"url": "https://ada:secret@prometheus.example"}, "credentials do not belong"),
        ({"url": "prometheus.example"}, "pattern"),
        ({"url": "https://prometheus.example?x=1"}, "pattern"),
        ({"selector": '{a="b"}'}, "pattern"),
        ({"selector": "a=b"}, "pattern"),
        ({"selector": ""}, "pattern"),
        ({"stale_after_s": 0}, "greater than 0"),
        ({"pod_label": "a-b"}, "pattern"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, fields: dict[str, object], why: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        read(tmp_path, **fields)
    assert why in raised.value.why
    assert "secret" not in raised.value.why
    assert raised.value.what.endswith(f"{next(iter(fields))} is not valid")
    assert raised.value.place is not None
    assert raised.value.place.line is not None
