"""What the shop sells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A product of the catalogue; the price is in cents."""

    sku: str
    name: str
    description: str
    price_cents: int


@dataclass(frozen=True)
class Offer:
    """A product and how many of it can be had just now."""

    product: Product
    available: int
