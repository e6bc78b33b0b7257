"""What the environment must say, and what is said when it does not."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from new_microservice.faults import Latency
from new_microservice.settings import Settings, SettingsError, load_settings

Load = Callable[[Mapping[str, str | None]], Settings]

GOOD: dict[str, str | None] = {
    "DB_HOST": "db",
    "DB_USER": "inventory",
    "DB_PASS": "hunter2",
    "DB_NAME": "demo",
    "LISTEN_PORT": "8081",
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    def with_environment(changed: Mapping[str, str | None]) -> Settings:
        for name in os.environ:
            monkeypatch.delenv(name)
        for name, value in (GOOD | dict(changed)).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return load_settings()

    return with_environment


def test_five_variables_are_enough(load: Load) -> None:
    settings = load({})
    assert (settings.listen_host, settings.db_port, settings.reservation_ttl_s) == (
        "127.0.0.1",
        5432,
        900,
    )
    assert (settings.service_revision, settings.fault) == ("unknown", None)
    assert settings.password() == "hunter2"


def test_the_password_file_wins_and_loses_its_newline_only(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" s3cret \n")
    assert load({"DB_PASS_FILE": str(file)}).password() == " s3cret "


def test_a_fault_needs_demo_mode(load: Load) -> None:
    fault = {"INVENTORY_FAULT": "latency:20ms"}
    assert load({**fault, "DEMO_MODE": "1"}).fault == Latency(0.02)
    for off in ("0", None):
        with pytest.raises(SettingsError) as refused:
            load({**fault, "DEMO_MODE": off})
        assert str(refused.value) == (
            "INVENTORY_FAULT breaks the service on purpose; it needs DEMO_MODE=1"
        )


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"DB_HOST": None}, "DB_HOST is not set"),
        ({"DB_HOST": None, "DB_NAME": None}, "DB_HOST is not set; DB_NAME is not set"),
        ({"DB_PASS": None}, "DB_PASS_FILE (or DB_PASS) is not set"),
        ({"LISTEN_PORT": "70000"}, "LISTEN_PORT: Input should be less than or equal to 65535"),
        (
            {"DB_PORT": "abc"},
            "DB_PORT: Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            {"LOG_LEVEL": "LOUD"},
            "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        ),
        (
            {"INVENTORY_FAULT": "crash:x", "DEMO_MODE": "1"},
            "INVENTORY_FAULT: crash takes a request number from 1, as in crash:5, not 'x'",
        ),
        ({"RESERVATION_TTL_S": "0"}, "RESERVATION_TTL_S: Input should be greater than 0"),
    ],
)
def test_each_mistake_is_named_after_its_variable(
    load: Load, changed: dict[str, str | None], complaint: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(changed)
    assert str(refused.value) == complaint


def test_a_password_file_that_cannot_be_read_is_named(load: Load, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"DB_PASS_FILE": str(tmp_path / "none")}).password()
    assert str(refused.value) == (
        f"DB_PASS_FILE: cannot read {tmp_path}/none: No such file or directory"
    )


def test_the_password_shows_nowhere(load: Load) -> None:
    settings = load({})
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"
    with pytest.raises(SettingsError) as refused:
        load({"LISTEN_PORT": "x", "DB_PASS": "hunter2"})
    assert "hunter2" not in repr(refused.value)
