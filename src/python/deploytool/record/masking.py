"""Hides known secret values in whatever is written or shown, also where they stand encoded."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

MASK = "[masked]"

# Shorter texts occur by chance: hiding each of them would ruin the record and, by the holes, tell
# what the secret is.
_LEAST_LENGTH = 4


class Masking:
    """The secret values known so far."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """Hide the value from now on: plain, escaped, URL-encoded, and in base64 at any offset.

        Values of fewer than 4 characters are ignored.
        """
        if len(secret) < _LEAST_LENGTH:
            return
        self._forms.update(form for form in _forms(secret) if len(form) >= _LEAST_LENGTH)
        # Longest first: where one form begins with another, the whole of it must go.
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def mask(self, text: str) -> str:
        """Return the text with each occurrence of a known secret replaced by MASK."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    for is_ascii in (True, False):
        yield json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
    raw = secret.encode("utf-8", "surrogatepass")
    for encoded in (quote(raw, safe=""), quote(raw, safe="/"), quote_plus(raw)):
        yield encoded
        yield re.sub("%..", lambda match: match[0].lower(), encoded)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from _base64_forms(raw, encode)


def _base64_forms(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """Yield what base64 makes of the bytes, wherever they stand in the text that was encoded.

    3 bytes become 4 digits, so there are three offsets; digits that also hold bits of a neighbour
    are left out.
    """
    for before in range(3):
        digits = encode(bytes(before) + raw).decode().rstrip("=")
        first = (8 * before + 5) // 6
        last = 8 * (before + len(raw)) // 6
        yield digits[first:last]
