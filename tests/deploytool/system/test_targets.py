"""The targets: what is accepted of a Prometheus and of a demand, and how mistakes are named."""

from pathlib import Path

import pytest
import yaml

from deploytool.errors import InvalidInput
from deploytool.system.targets import ComposeTarget, KubernetesTarget, read_target

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


PROOF = {"key": "keys/release.pub", "repository": "https://example.org/shop"}


def declared(folder: Path, proof: dict[str, object], platform: str = "compose") -> Path:
    """Write a target that demands a proof, and one before it."""
    path = folder / "targets.yaml"
    target: dict[str, object] = {"platform": platform, "state": ".state"}
    if platform == "compose":
        migrations = {"expand": "expand", "contract": "contract"}
        target |= {"file": "compose.yaml", "project": "shop", "migrations": migrations}
    targets = {"staging": target, "production": {**target, "proof": proof}}
    path.write_text(yaml.safe_dump({"targets": targets}, sort_keys=False))
    return path


@pytest.mark.parametrize(
    "signer",
    [
        {"key": "keys/release.pub"},
        {"identity": "https://example.org/workflow", "issuer": "https://issuer.example"},
    ],
    ids=["key", "identity"],
)
def test_proof_is_demanded_of_a_key_or_of_an_identity(
    tmp_path: Path, signer: dict[str, str]
) -> None:
    demand = {"repository": "https://example.org/shop", "require": ["signature"], **signer}
    target = read_target(declared(tmp_path, {**demand, "after": "staging"}), "production")
    assert isinstance(target, ComposeTarget)
    assert target.proof is not None
    assert target.proof.require == frozenset({"signature"})
    assert target.proof.after == "staging"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key": None}, "name either `key`, or `identity`"),
        ({"identity": "ada"}, "`identity` and `issuer` go together"),
        ({"identity": "ada", "issuer": "i"}, "name either `key`, or `identity`"),
        ({"require": []}, "at least 1 item"),
        ({"require": ["trust"]}, "Input should be 'signature', 'provenance' or 'sbom'"),
        ({"after": "production"}, "names 'production', no other target"),
        ({"after": "stage"}, "names 'stage', no other target"),
        ({"repository": ""}, "at least 1 character"),
    ],
    ids=str,
)
def test_a_demand_that_cannot_be_met_is_refused(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    demand = {**PROOF, "require": ["signature"], **changes}
    with pytest.raises(InvalidInput) as raised:
        read_target(declared(tmp_path, demand), "production")
    assert why in raised.value.why


def test_a_demand_cannot_come_after_plain_processes_which_run_no_release(tmp_path: Path) -> None:
    path = declared(tmp_path, {**PROOF, "require": ["signature"], "after": "local"})
    file = yaml.safe_load(path.read_text())
    file["targets"]["local"] = {"platform": "processes", "state": ".local"}
    path.write_text(yaml.safe_dump(file, sort_keys=False))
    with pytest.raises(InvalidInput) as raised:
        read_target(path, "production")
    assert "production.proof.after names 'local', which runs no images" in raised.value.why


def test_plain_processes_cannot_be_proved(tmp_path: Path) -> None:
    path = declared(tmp_path, {**PROOF, "require": ["signature"]}, platform="processes")
    with pytest.raises(InvalidInput) as raised:
        read_target(path, "production")
    assert "proof is not valid" in raised.value.what


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
