"""What proves an image: the decisions alone, then with a real registry and a real cosign."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploytool.errors import CheckFailed, DeployError, InvalidInput, PlatformFailed
from deploytool.proofs.verification import (
    provenance_fault,
    require_proof,
    require_release,
    sbom_fault,
)
from deploytool.system.release import (
    ReleasedBuild,
    ReleasedImage,
    ReleaseFile,
    content_digest,
    read_release,
)
from deploytool.system.targets import Proof
from tests.registry import serving
from tests.releases import (
    BILL,
    COMMIT,
    REPOSITORY,
    Keys,
    content,
    moved_proofs,
    prove,
    provenance,
    published,
    write_signed,
)


def stated(predicate: Any) -> dict[str, Any]:
    return {"_type": "https://in-toto.io/Statement/v0.1", "predicate": predicate}


@pytest.mark.parametrize(
    "source", [f"git+{REPOSITORY}", f"git+{REPOSITORY}@refs/heads/main", f"git+{REPOSITORY}@x"]
)
def test_a_provenance_names_repository_and_commit_in_one_place(source: str) -> None:
    named = provenance()
    named["buildDefinition"]["resolvedDependencies"][0]["uri"] = source
    assert provenance_fault([stated(named)], REPOSITORY, COMMIT) == ""


def test_one_of_several_statements_is_enough() -> None:
    statements = [stated(provenance(commit="0" * 40)), stated(provenance())]
    assert provenance_fault(statements, REPOSITORY, COMMIT) == ""


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        (provenance(commit="0" * 40), f"it says {REPOSITORY} at {'0' * 40}"),
        (provenance("https://example.org/fork/shop"), "it says https://example.org/fork/shop at"),
        ({}, "it says no sources"),
        (None, "it says no sources"),
        ({"buildDefinition": {"resolvedDependencies": ["x", {"digest": None}]}}, "no sources"),
    ],
)
def test_a_provenance_of_other_sources_is_told_with_what_it_says(predicate: Any, told: str) -> None:
    fault = provenance_fault([stated(predicate)], REPOSITORY, COMMIT)
    assert told in fault
    assert f"the release says {REPOSITORY} at {COMMIT}" in fault


def test_repository_and_commit_of_two_sources_are_no_provenance() -> None:
    mixed = provenance("https://example.org/fork/shop")
    mixed["buildDefinition"]["resolvedDependencies"] += provenance(commit="0" * 40)[
        "buildDefinition"
    ]["resolvedDependencies"]
    assert provenance_fault([stated(mixed)], REPOSITORY, COMMIT) != ""


def test_a_bill_of_materials_is_the_one_that_the_release_names() -> None:
    assert sbom_fault([stated(BILL)], content_digest(BILL)) == ""
    assert "the release says" in sbom_fault([stated({})], content_digest(BILL))
    assert sbom_fault([stated(BILL)], None) == "the release names none"


@dataclass(frozen=True)
class Place:
    """A registry with an image that is proved in all ways, and the keys to it."""

    registry: str
    keys: Keys
    others: Keys
    proved: str

    def proof(self, **changes: Any) -> Proof:
        required = frozenset({"signature", "provenance", "sbom"})
        demanded = {"key": self.keys.public, "repository": REPOSITORY, "require": required}
        return Proof(**{**demanded, **changes})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests with a registry and cosign are left out")
    folder = tmp_path_factory.mktemp("place")
    with serving(folder) as registry:
        keys = Keys(folder / "keys")
        proved = published(registry, "proved")
        prove(proved, keys)
        yield Place(registry, keys, Keys(folder / "others"), proved)


def build(image: str, **changes: Any) -> dict[str, ReleasedBuild]:
    released = ReleasedImage(
        image=image,
        tag="t1",
        platform="linux/amd64",
        sbom=changes.pop("sbom", content_digest(BILL)),
    )
    sources = {"repository": REPOSITORY, "commit": COMMIT, **changes}
    return {"shop": ReleasedBuild(image=released, **sources)}


def refused(call: Callable[[], None], kind: type[DeployError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    assert error.why
    assert error.hint
    return f"{error.what}: {error.why}"


def test_an_image_with_all_that_is_demanded_is_accepted(place: Place) -> None:
    require_proof(build(place.proved), place.proof())


def test_an_unsigned_image_is_refused(place: Place) -> None:
    image = published(place.registry, "unsigned")
    told = refused(lambda: require_proof(build(image), place.proof()), CheckFailed)
    assert image in told


@pytest.mark.parametrize("kind", ["signature", "provenance", "sbom"])
def test_each_kind_of_proof_is_demanded_by_itself(place: Place, kind: str) -> None:
    image = published(place.registry, f"without-{kind}")
    if kind != "signature":
        place.keys.sign(image)
    if kind != "provenance":
        place.keys.attest(image, "slsaprovenance1", provenance())
    if kind != "sbom":
        place.keys.attest(image, "spdxjson", BILL)
    others = frozenset({"signature", "provenance", "sbom"} - {kind})
    require_proof(build(image), place.proof(require=others))
    told = refused(lambda: require_proof(build(image), place.proof()), CheckFailed)
    assert {
        "signature": "no signatures found",
        "provenance": "no attestation slsaprovenance1",
        "sbom": "no attestation spdxjson",
    }[kind] in told


@pytest.mark.parametrize("kind", ["signature", "provenance", "sbom"])
def test_the_proof_of_another_key_is_none(place: Place, kind: str) -> None:
    demand = place.proof(key=place.others.public, require=frozenset({kind}))
    told = refused(lambda: require_proof(build(place.proved), demand), CheckFailed)
    assert str(place.others.public) in told


def test_the_signature_of_another_image_moved_over_is_none(place: Place) -> None:
    image = published(place.registry, "proved", "2")
    moved_proofs(place.registry, place.proved, image)
    for kind in ("signature", "provenance", "sbom"):
        with pytest.raises(CheckFailed):
            require_proof(build(image), place.proof(require=frozenset({kind})))


def test_a_proof_of_another_commit_or_bill_is_none(place: Place) -> None:
    other = build(place.proved, commit="0" * 40)
    told = refused(lambda: require_proof(other, place.proof()), CheckFailed)
    assert f"{COMMIT}; the release says {REPOSITORY} at {'0' * 40}" in told
    other = build(place.proved, sbom=content_digest({}))
    assert "shop: the sbom of" in refused(lambda: require_proof(other, place.proof()), CheckFailed)


def test_the_demanded_repository_counts_and_not_the_one_that_the_file_says(place: Place) -> None:
    fork = "https://example.org/fork/shop"
    image = published(place.registry, "forked")
    prove(image, place.keys, repository=fork)
    told = refused(lambda: require_proof(build(image, repository=fork), place.proof()), CheckFailed)
    assert f"it says {fork}" in told


def test_what_cannot_be_looked_at_is_not_accepted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = "127.0.0.1:1/shop@" + place.proved.partition("@")[2]
    for kind in ("signature", "provenance", "sbom"):
        demand = place.proof(require=frozenset({kind}))
        told = refused(partial(require_proof, build(away), demand), PlatformFailed)
        assert "could not be checked" in told
        assert "connection refused" in told
    monkeypatch.setenv("PATH", "/nowhere")
    assert "cosign is missing" in refused(
        lambda: require_proof(build(place.proved), place.proof()), PlatformFailed
    )


def test_of_several_images_the_wrong_one_is_named(place: Place) -> None:
    builds = {**build(place.proved), "other": build(published(place.registry, "bare"))["shop"]}
    told = refused(lambda: require_proof(builds, place.proof()), CheckFailed)
    assert "/bare@" in told
    assert "(and 2 more)" in told


@pytest.fixture
def without_sigstore(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody answers who could vouch for an identity, and nothing of it is known from before."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("TUF_ROOT", str(tmp_path / "tuf"))


IDENTITY = {"key": None, "identity": "https://example.org/job", "issuer": "https://example.org"}


@pytest.mark.usefixtures("without_sigstore")
def test_who_cannot_be_vouched_for_is_not_told_to_have_signed_wrongly(
    place: Place, file: ReleaseFile
) -> None:
    told = json.loads(file.bundle.read_text())
    told["cert"] = "-----BEGIN CERTIFICATE-----"
    file.bundle.write_text(json.dumps(told))
    demand = place.proof(**IDENTITY)
    for call in (
        lambda: require_release(file, demand),
        lambda: require_proof(build(place.proved), demand),
    ):
        assert "could not be checked" in refused(call, PlatformFailed)


@pytest.fixture
def file(place: Place, tmp_path: Path) -> ReleaseFile:
    path = tmp_path / "release.json"
    return read_release(write_signed(path, content({"shop": place.proved}), place.keys))


def test_a_signed_file_of_the_repository_is_accepted(place: Place, file: ReleaseFile) -> None:
    require_release(file, place.proof())


def test_a_file_that_was_changed_is_refused(place: Place, file: ReleaseFile) -> None:
    file.path.write_text(file.path.read_text().replace("t1", "t2"))
    told = refused(lambda: require_release(read_release(file.path), place.proof()), InvalidInput)
    assert "is not the one demanded: cosign: invalid signature" in told


def test_what_was_read_is_verified_and_not_what_lies_there_now(
    place: Place, file: ReleaseFile
) -> None:
    file.path.write_text("{}")
    require_release(file, place.proof())


def test_a_file_without_the_right_signature_is_refused(place: Place, file: ReleaseFile) -> None:
    demand = place.proof(key=place.others.public)
    refused(lambda: require_release(file, demand), InvalidInput)
    file.bundle.write_text("nonsense")
    refused(lambda: require_release(file, place.proof()), InvalidInput)
    file.bundle.unlink()
    told = refused(lambda: require_release(file, place.proof()), InvalidInput)
    assert "release.json.bundle is missing" in told


@pytest.mark.parametrize("is_encoded", [True, False])
def test_a_key_that_a_bundle_brings_along_is_not_taken_for_the_one_demanded(
    place: Place, file: ReleaseFile, *, is_encoded: bool
) -> None:
    others = place.others.public.read_bytes()
    place.others.sign_file(file.path)
    told = json.loads(file.bundle.read_text())
    told["cert"] = base64.b64encode(others).decode() if is_encoded else others.decode()
    file.bundle.write_text(json.dumps(told))
    assert "invalid signature" in refused(
        lambda: require_release(file, place.proof()), InvalidInput
    )
    demand = place.proof(**IDENTITY)
    assert "it brings no certificate along" in refused(
        lambda: require_release(file, demand), InvalidInput
    )


def test_a_file_of_another_repository_is_refused(place: Place, file: ReleaseFile) -> None:
    demand = place.proof(repository="https://example.org/other")
    told = refused(lambda: require_release(file, demand), InvalidInput)
    assert "another repository" in told


def test_a_key_that_is_missing_is_named(place: Place, file: ReleaseFile, tmp_path: Path) -> None:
    demand = place.proof(key=tmp_path / "none.pub")
    assert "none.pub" in refused(lambda: require_release(file, demand), InvalidInput)
