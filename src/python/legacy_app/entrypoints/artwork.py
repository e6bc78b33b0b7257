"""A picture for each product: shapes on a grid, the same for the same sku, no files needed."""

import random
from functools import lru_cache

from markupsafe import Markup

COLUMNS, ROWS, CELL = 4, 3, 60
# Ground first; each goes with both a light and a dark page.
PALETTES = (
    ("#e9dcc5", "#c8553d", "#28536b", "#f2b75c", "#7a9e87"),
    ("#d8e2dc", "#3d5a80", "#ee6c4d", "#98c1d9", "#293241"),
    ("#f0d9c8", "#6d4c41", "#d98e73", "#42584f", "#e8b04a"),
    ("#dfe3d4", "#52734d", "#e07a5f", "#2f4858", "#f4d58d"),
    ("#ead7d7", "#8e4162", "#f0a868", "#41436a", "#c06c84"),
    ("#d5dde5", "#2a6f77", "#f3c969", "#b5544a", "#6b90a5"),
)


@lru_cache(maxsize=256)
def draw(sku: str) -> Markup:
    """Return an SVG element without a meaning of its own (hidden from screen readers)."""
    chance = random.Random(sku)  # noqa: S311 - chosen, not secret
    ground, *colours = chance.choice(PALETTES)
    shapes = [
        _shape(chance, column * CELL, row * CELL, colours)
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    width, height = COLUMNS * CELL, ROWS * CELL
    return Markup(  # noqa: S704 - made of numbers and the colours above
        f'<svg class="art" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid slice" '
        f'aria-hidden="true"><rect width="{width}" height="{height}" fill="{ground}"/>'
        f"{''.join(shapes)}</svg>"
    )


def _shape(chance: random.Random, x: int, y: int, colours: list[str]) -> str:
    first, second = chance.sample(colours, 2)
    half, turn = CELL // 2, chance.choice((0, 90, 180, 270))
    quarter = f'<path d="M0 0H{CELL}A{CELL} {CELL} 0 0 1 0 {CELL}Z" fill="{first}"/>'
    leaf = (
        f'<path d="M0 0A{CELL} {CELL} 0 0 1 {CELL} {CELL}A{CELL} {CELL} 0 0 1 0 0Z" '
        f'fill="{first}"/>'
    )
    arch = (
        f'<path d="M0 {CELL}V{half}A{half} {half} 0 0 1 {CELL} {half}V{CELL}Z" fill="{first}"/>'
        f'<circle cx="{half}" cy="{half}" r="{half // 2}" fill="{second}"/>'
    )
    disc = (
        f'<circle cx="{half}" cy="{half}" r="{half}" fill="{first}"/>'
        f'<path d="M0 {half}A{half} {half} 0 0 1 {CELL} {half}Z" fill="{second}"/>'
    )
    bars = "".join(
        f'<rect y="{place}" width="{CELL}" height="{CELL // 6}" fill="{first}"/>'
        for place in range(0, CELL, CELL // 3)
    )
    shape = chance.choices((quarter, leaf, arch, disc, bars, ""), (4, 3, 2, 2, 1, 2))[0]
    placed = f"translate({x} {y}) rotate({turn} {half} {half})"
    return f'<g transform="{placed}">{shape}</g>' if shape else ""
