"""Generated secrets: one file each, never in an argument list, masked in all foreign output."""

import secrets
from collections.abc import Callable
from pathlib import Path

from deploytool.platforms.files import disk, read, write
from deploytool.record.masking import Masking

_BYTES = 24


class Secrets:
    """The secrets of one folder by name. A value is made when it is first asked for.

    on_secret: is told each value, those that are there already at once. mode: of each file.
    """

    def __init__(
        self, folder: Path, on_secret: Callable[[str], None], *, mode: int = 0o600
    ) -> None:
        self._folder = folder
        self._mode = mode
        self._on_secret = on_secret
        self._masking: Masking | None = None
        for value in self._known():
            on_secret(value)

    def value(self, name: str) -> str:
        """Return the secret. It consists of letters, digits, - and _ only."""
        known = read(self.file(name))
        if known:
            return known
        value = secrets.token_urlsafe(_BYTES)
        self.keep(name, value)
        return value

    def keep(self, name: str, value: str) -> None:
        """Write a secret that is made of others, unless it is there already."""
        if read(self.file(name)) != value:
            write(self.file(name), value, self._mode)
            self._masking = None
            self._on_secret(value)

    def file(self, name: str) -> Path:
        """Return the file that holds the secret and nothing else."""
        return self._folder / name

    def mask(self, text: str) -> str:
        """Return the text with every known secret replaced."""
        if self._masking is None:
            self._masking = Masking()
            for value in self._known():
                self._masking.add(value)
        return self._masking.mask(text)

    def _known(self) -> list[str]:
        with disk("reading", self._folder):
            if not self._folder.is_dir():
                return []
            return [value for path in self._folder.iterdir() if (value := path.read_text().strip())]
