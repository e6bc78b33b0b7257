"""The status of a target at a glance, in 80 columns."""

from dataclasses import replace

import click

from deploytool.cli.render.status import status_as_text
from deploytool.operations.status import Status
from deploytool.platforms.base import Condition, Instance, Role

STATUS = Status(
    target="local",
    url="http://127.0.0.1:41123",
    addresses={
        "inventory-service": "http://127.0.0.1:41123/api/v2/",
        "shop": "http://127.0.0.1:41123/app/",
    },
    instances=(
        Instance("database", Role.STABLE, "", Condition.READY, "", address="127.0.0.1:41121"),
        Instance(
            "inventory-service",
            Role.STABLE,
            "3a6991eb22d7",
            Condition.READY,
            "",
            address="127.0.0.1:41124",
        ),
    ),
    weights={},
    earlier={},
    doubted={},
    cut_off={},
    drift={},
    holder=None,
    canary=None,
    evidence=None,
)


def lines(status: Status, width: int = 80) -> list[str]:
    return click.unstyle(status_as_text(status, width)).splitlines()


def test_the_addresses_to_open_are_named_with_their_paths() -> None:
    shown = lines(STATUS)
    assert shown[shown.index("open:") + 1 :] == [
        "  inventory-service  http://127.0.0.1:41123/api/v2/",
        "  shop               http://127.0.0.1:41123/app/",
    ]


def test_what_runs_stands_whole_in_80_columns() -> None:
    shown = lines(STATUS)
    assert max(map(len, shown)) <= 80
    [row] = [line for line in shown if "3a6991eb22d7" in line]
    assert row.split() == [
        "inventory-service", "stable", "3a6991eb22d7", "100", "%", "ready", "127.0.0.1:41124",
    ]  # fmt: skip


def test_restarts_are_named_where_there_were_some() -> None:
    database, service = STATUS.instances
    status = replace(
        STATUS, instances=(replace(database, restarts=1), replace(service, restarts=3))
    )
    shown = "\n".join(lines(status, 120))
    assert "ready, 1 restart " in shown
    assert "ready, 3 restarts" in shown
