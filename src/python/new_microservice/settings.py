"""What the environment says, checked once at start and never printed whole: it holds a password."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from new_microservice.faults import Fault, parse_fault

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The environment does not make a service; the message is one line and shows no secret."""


def _checked_fault(text: str) -> str:
    # Kept as text: a setting reads back as it was given.
    if text:
        parse_fault(text)
    return text


class Settings(BaseSettings):
    """The settings; each is the environment variable of the same name in capitals."""

    # hide_input: a rejected value may be the password.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    db_host: Annotated[str, Field(min_length=1)]
    db_port: Port = 5432
    db_user: Annotated[str, Field(min_length=1)]
    db_name: Annotated[str, Field(min_length=1)]
    db_pass: SecretStr | None = None
    # Wins over DB_PASS: where there is a file, the environment holds no secret to leak.
    db_pass_file: Path | None = None
    listen_host: str = "127.0.0.1"
    listen_port: Port
    service_revision: str = "unknown"
    demo_mode: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    inventory_fault: Annotated[str, AfterValidator(_checked_fault)] = ""
    # Seconds for which stock is held for an order that is not confirmed.
    reservation_ttl_s: Annotated[float, Field(gt=0, le=30 * 86400)] = 900.0

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.db_pass is None and self.db_pass_file is None:
            raise ValueError("DB_PASS_FILE (or DB_PASS) is not set")
        if self.inventory_fault and not self.demo_mode:
            raise ValueError("INVENTORY_FAULT breaks the service on purpose; it needs DEMO_MODE=1")
        return self

    @property
    def fault(self) -> Fault | None:
        """The fault asked for, if any."""
        return parse_fault(self.inventory_fault) if self.inventory_fault else None

    def password(self) -> str:
        """Return the database password; raises SettingsError if its file cannot be read."""
        if self.db_pass_file is None:
            return self.db_pass.get_secret_value() if self.db_pass else ""
        try:
            return self.db_pass_file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SettingsError(f"DB_PASS_FILE: cannot read {self.db_pass_file}: {why}") from error


def load_settings() -> Settings:
    """Read the environment; raises SettingsError naming every bad variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_complaints(error))) from None


def _complaints(error: ValidationError) -> list[str]:
    complaints = []
    for entry in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in entry["loc"]).upper()
        message = entry["msg"].removeprefix("Value error, ")
        if entry["type"] == "missing":
            complaints.append(f"{name} is not set")
        else:
            complaints.append(f"{name}: {message}" if name else message)
    return complaints
