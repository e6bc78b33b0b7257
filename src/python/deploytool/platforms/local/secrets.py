"""Generated secrets: one file each, never in an argument list, masked in all foreign output."""

import secrets
from pathlib import Path

from deploytool.platforms.local.folder import StateFolder, disk, read, write
from deploytool.record.masking import Masking

_BYTES = 24


class Secrets:
    """The secrets of one state folder by name. A value is made when it is first asked for."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder.secrets
        self._masking: Masking | None = None

    def value(self, name: str) -> str:
        """Return the secret. It consists of letters, digits, - and _ only."""
        known = read(self.file(name))
        if known:
            return known
        value = secrets.token_urlsafe(_BYTES)
        write(self.file(name), value)
        self._masking = None
        return value

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
        if not self._folder.is_dir():
            return []
        with disk("reading", self._folder):
            return [value for path in self._folder.iterdir() if (value := path.read_text().strip())]
