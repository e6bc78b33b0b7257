"""Which of the artifacts that a command is given are images of a Compose target."""

import json
from pathlib import Path

from deploytool.platforms.compose.parts import Parts
from deploytool.system.declaration import read_system
from deploytool.system.targets import ComposeTarget, read_target

DEPLOY = Path("deploy")


def test_a_program_that_comes_along_is_no_image(tmp_path: Path) -> None:
    target = read_target(DEPLOY / "targets.yaml", "compose")
    assert isinstance(target, ComposeTarget)
    named = json.dumps({"registries": [{"tags": [{"name": "any:t1"}]}]})
    artifacts = {
        "gateway": tmp_path / "gateway.docker-info.json",
        "database": tmp_path / "database.pex",
        "runtime": tmp_path / "runtime.pex",
    }
    artifacts["gateway"].write_text(named)
    # Where proof is demanded, only what no platform takes for an image passes without any.
    artifacts["database"].write_text(named)
    artifacts["runtime"].write_bytes(b"PK\x03\x04\xff")
    parts = Parts(
        target=target,
        system=read_system(DEPLOY / "system.yaml"),
        state=tmp_path / "state",
        root=tmp_path,
        deploy=DEPLOY,
        artifacts=artifacts,
        on_secret=lambda _: None,
    )
    assert parts.images == {"gateway": "any:t1"}
    assert parts.released() == set()
