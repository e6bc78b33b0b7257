"""The settings of the process, from its environment."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The environment does not make a shop: one line, without any secret."""


class StockBackend(StrEnum):
    """Where the stock is kept."""

    SQL = "sql"  # in the shop's own schema
    SHADOW = "shadow"  # there, and the inventory is asked the same for comparison
    HTTP = "http"  # in the inventory service


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    # A rejected value may be the password.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    db_host: Annotated[str, Field(min_length=1)]
    db_port: Port = 5432
    db_user: Annotated[str, Field(min_length=1)]
    db_name: Annotated[str, Field(min_length=1)]
    db_pass: SecretStr | None = None
    db_pass_file: Path | None = None  # wins over DB_PASS
    listen_host: str = "127.0.0.1"
    listen_port: Port
    service_revision: str = "unknown"
    stock_backend: StockBackend = StockBackend.HTTP
    api_endpoint: AnyHttpUrl | None = None  # of the inventory's API, through the gateway
    demo_mode: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _is_complete(self) -> "Settings":
        if self.db_pass is None and self.db_pass_file is None:
            raise ValueError("DB_PASS_FILE (or DB_PASS) is not set")
        if self.api_endpoint is None and self.stock_backend is not StockBackend.SQL:
            raise ValueError(f"API_ENDPOINT is not set (STOCK_BACKEND={self.stock_backend})")
        return self

    def password(self) -> str:
        """Return the password of the database user. Raises SettingsError."""
        if self.db_pass_file is None:
            return self.db_pass.get_secret_value() if self.db_pass else ""
        try:
            return self.db_pass_file.read_text(encoding="utf-8").strip("\r\n")
        except OSError as error:
            raise SettingsError(f"DB_PASS_FILE: {self.db_pass_file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"DB_PASS_FILE: {self.db_pass_file}: not UTF-8 text") from error


def load_settings() -> Settings:
    """Read the environment. Raises SettingsError, which names every variable at fault."""
    try:
        return Settings()
    except ValidationError as error:
        entries = error.errors(include_input=False, include_url=False)
        raise SettingsError("; ".join(_complaint(e["loc"], e["msg"]) for e in entries)) from None


def _complaint(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in place).upper()
    if message == "Field required":
        return f"{name} is not set"
    message = message.removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
