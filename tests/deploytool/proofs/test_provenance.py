"""What a provenance says of a build."""

from deploytool.proofs.provenance import (
    Material,
    build_of,
    debian_materials,
    lock_materials,
    provenance,
)
from deploytool.proofs.verification import provenance_fault

REPOSITORY = "https://github.com/owner/name"
COMMIT = "c0ffee" * 6 + "c0de"
GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "owner/name",
    "GITHUB_WORKFLOW_REF": "owner/name/.github/workflows/release.yml@refs/heads/main",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
}
HERE = build_of(REPOSITORY, COMMIT, {}, host="a host", run="20261130T101010-abcd")


def test_on_github_the_builder_is_the_workflow_and_the_run_can_be_looked_at() -> None:
    build = build_of(REPOSITORY, COMMIT, GITHUB, host="a host", run="20261130T101010-abcd")

    said = provenance(build, "web:t1", "linux/amd64", [])

    assert said["buildDefinition"]["externalParameters"] == {
        "image": "web:t1",
        "platform": "linux/amd64",
        "workflow": "owner/name/.github/workflows/release.yml@refs/heads/main",
    }
    assert said["runDetails"] == {
        "builder": {
            "id": "https://github.com/owner/name/.github/workflows/release.yml@refs/heads/main"
        },
        "metadata": {
            "invocationId": "https://github.com/owner/name/actions/runs/7/attempts/2",
        },
    }


def test_elsewhere_the_builder_is_the_machine() -> None:
    said = provenance(HERE, "web:t1", "linux/amd64", [])

    assert said["runDetails"]["builder"] == {"id": "urn:host:a%20host"}
    assert said["runDetails"]["metadata"] == {"invocationId": "urn:run:20261130T101010-abcd"}


def test_what_is_said_is_what_a_target_looks_for() -> None:
    said = provenance(HERE, "web:t1", "linux/amd64", lock_materials(HERE, {"a.lock": "ab"}))

    assert not provenance_fault([{"predicate": said}], REPOSITORY, COMMIT)
    assert provenance_fault([{"predicate": said}], REPOSITORY, "d" * 40)
    assert provenance_fault([{"predicate": said}], f"{REPOSITORY}-of-others", COMMIT)


def test_a_package_whose_hash_is_not_noted_is_named_without() -> None:
    notes = [
        b"Package: one\nVersion: 2:1.0~rc1+b1\nArchitecture: all\nSHA256: ab\n",
        b"Package: two\nVersion: 1.0\nArchitecture: amd64\nDescription: two\n lines\n",
        b"no note at all",
    ]

    assert debian_materials(notes) == [
        Material("pkg:deb/debian/one@2%3A1.0~rc1%2Bb1?arch=all", {"sha256": "ab"}),
        Material("pkg:deb/debian/two@1.0?arch=amd64", {}),
    ]
