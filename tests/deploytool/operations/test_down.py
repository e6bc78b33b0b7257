"""What ends with a target."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.operations.context import Context
from deploytool.operations.down import down
from deploytool.record.event import Event
from deploytool.record.file_store import FileStore
from deploytool.record.store import TargetState
from deploytool.system.revision import revision_of

HELD = Canary(
    run="first",
    component="web",
    stable=revision_of("web", "aa", {}),
    canary=revision_of("web", "bb", {}),
    steps=(10, 50),
    phase=Phase.HELD,
    since=0.0,
)


@pytest.mark.parametrize("canary", [HELD, None])
def test_a_canary_that_waits_is_named_before_it_ends_with_the_target(
    tmp_path: Path, canary: Canary | None
) -> None:
    told: list[Event] = []
    store = FileStore(tmp_path)
    store.save(TargetState(canary=canary))

    def end(**_: object) -> None:
        told.append(Event("gone"))

    platform = SimpleNamespace(store=store, down=end, end_detached=lambda: None)
    context = Context(
        system=cast("Any", None), platform=cast("Any", platform), target="local", run="second",
        command="down", artifacts={}, emit=told.append,
    )  # fmt: skip
    assert down(context, remove_volumes=False) == canary
    assert store.load().canary is None
    assert [each.event for each in told] == [*(["note"] if canary else []), "gone", "stopped"]
    if canary:
        assert told[0].object == f"web {HELD.canary.id}"
        assert told[0].reason == "its canary, run first, is held, and ends with the target"
