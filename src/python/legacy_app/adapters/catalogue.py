"""The catalogue in the schema of the shop."""

from collections.abc import Iterable

from psycopg.rows import DictRow

from legacy_app.adapters.database import Database
from legacy_app.domain.catalogue import Product


class SqlCatalogue:
    """A Catalogue on shop.products."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Product]:
        """Return every product, by name."""
        rows = await self._database.fetch(
            "SELECT sku, name, description, price_cents FROM shop.products ORDER BY name, sku"
        )
        return [_product(row) for row in rows]

    async def find(self, skus: Iterable[str]) -> dict[str, Product]:
        """Return the products with these skus by sku; unknown ones are missing."""
        rows = await self._database.fetch(
            "SELECT sku, name, description, price_cents FROM shop.products WHERE sku = ANY(%s)",
            (list(skus),),
        )
        return {row["sku"]: _product(row) for row in rows}


def _product(row: DictRow) -> Product:
    return Product(row["sku"], row["name"], row["description"], row["price_cents"])
