"""The inventory's published view: what the shop may read of a schema that is not its own."""

from collections.abc import Iterable

from legacy_app.adapters.database import Database


class StockView:
    """An AvailableStock on inventory.stock_v1, for when the inventory does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Return the quantity free by sku."""
        rows = await self._database.fetch(
            "SELECT sku, available FROM inventory.stock_v1 WHERE sku = ANY(%s)", (list(skus),)
        )
        return {row["sku"]: row["available"] for row in rows}
