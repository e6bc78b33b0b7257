"""The basket: it belongs to the browser, which keeps it in a cookie."""

import re
from collections.abc import Mapping

from legacy_app.entrypoints.http_api import MAX_LINES, MAX_QTY

COOKIE = "basket"
KEPT_FOR_S = 30 * 86400
_ENTRY = re.compile(r"([A-Za-z0-9._-]{1,64}):([1-9][0-9]{0,3})")


def parse(cookie: str) -> dict[str, int]:
    """Return the quantity by sku; what does not make sense is left out: anyone can send it."""
    basket: dict[str, int] = {}
    for entry in cookie.split("|"):
        matched = _ENTRY.fullmatch(entry)
        if matched and len(basket) < MAX_LINES:
            basket[matched[1]] = min(int(matched[2]), MAX_QTY)
    return basket


def serialize(basket: Mapping[str, int]) -> str:
    """Return the cookie of a basket."""
    return "|".join(f"{sku}:{qty}" for sku, qty in basket.items())


def changed(basket: Mapping[str, int], sku: str, qty: int) -> dict[str, int]:
    """Return the basket with `qty` of `sku` in it; none takes it out, a full basket stays."""
    after = {**basket, sku: min(qty, MAX_QTY)}
    if qty < 1:
        del after[sku]
    return after if len(after) <= MAX_LINES else dict(basket)
