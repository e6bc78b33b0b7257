"""What a platform may install from: a build, a release, or where proof is demanded no build."""

import json
from pathlib import Path

import pytest

from deploytool.cli.release import demanded, for_platform
from deploytool.platforms.images import image_name, released_build
from deploytool.system.release import read_release
from deploytool.system.targets import ComposeTarget, LocalTarget, Proof
from tests.releases import content

PROOF = Proof(key=Path("keys/k.pub"), repository="r", require=frozenset({"signature"}))
LOCAL = LocalTarget(platform="processes", state=Path("s"))
BUILT = {"web": Path("web.json"), "runtime": Path("runtime.pex")}


def target(proof: Proof | None) -> ComposeTarget:
    return ComposeTarget.model_validate(
        {
            "platform": "compose",
            "state": "s",
            "file": "compose.yaml",
            "project": "p",
            "migrations": {"expand": "e", "contract": "c"},
            "proof": proof,
        }
    )


def test_a_build_is_handed_over_as_it_is() -> None:
    for each in (target(None), LOCAL):
        with for_platform(BUILT, each, None) as given:
            assert given == BUILT


def test_where_proof_is_demanded_no_image_of_a_build_gets_in() -> None:
    with for_platform(BUILT, target(PROOF), None) as given:
        assert given == {"runtime": Path("runtime.pex")}


@pytest.mark.parametrize("proof", [None, PROOF], ids=["free", "proved"])
def test_a_release_takes_the_place_of_what_was_built(tmp_path: Path, proof: Proof | None) -> None:
    image = f"host/team/web@sha256:{'a' * 64}"
    path = tmp_path / "release.json"
    path.write_text(json.dumps(content({"web": image})))
    file = read_release(path)
    with for_platform(BUILT, target(proof), file) as given:
        assert set(given) == {"web", "runtime"}
        assert image_name(given["web"]) == "web:t1"
        assert released_build(given["web"]) == file.release.builds["web"]
    assert not given["web"].exists()


def test_a_key_lies_beside_the_targets() -> None:
    proof = demanded(target(PROOF), Path("/repository/deploy"))
    assert proof is not None
    assert proof.key == Path("/repository/deploy/keys/k.pub")
    assert demanded(LOCAL, Path()) is None
