"""Secrets are made once, kept in files of their own, and told to whoever must hide them."""

import stat
from pathlib import Path

from deploytool.platforms.secrets import Secrets


def secrets_below(path: Path) -> tuple[Secrets, list[str]]:
    folder = path / "secrets"
    folder.mkdir(exist_ok=True)
    told: list[str] = []
    return Secrets(folder, told.append), told


def test_a_secret_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    secrets, _ = secrets_below(tmp_path)
    value = secrets.value("password")
    assert secrets.value("password") == value
    assert secrets.file("password").read_text() == value
    assert stat.S_IMODE(secrets.file("password").stat().st_mode) == 0o600


def test_every_secret_is_told_once_when_it_is_made_or_found(tmp_path: Path) -> None:
    secrets, told = secrets_below(tmp_path)
    assert told == []
    values = [secrets.value("one"), secrets.value("other"), secrets.value("one")]
    assert told == values[:2]
    _, told_later = secrets_below(tmp_path)
    assert sorted(told_later) == sorted(values[:2])


def test_what_others_say_is_shown_without_secrets(tmp_path: Path) -> None:
    secrets, _ = secrets_below(tmp_path)
    value = secrets.value("password")
    assert value not in secrets.mask(f"cannot log in with {value}")
