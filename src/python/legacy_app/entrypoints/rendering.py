"""From templates to pages: filters, links that carry the gateway's prefix, response headers."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from legacy_app.entrypoints import artwork, basket

TEMPLATES = Path(__file__).parent / "templates"
HEADERS = {
    # A page shows what is in stock now; and it needs nothing but its own style sheet.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def money(cents: int) -> str:
    """Return an amount as people write it."""
    return f"€\u202f{cents // 100:,}.{cents % 100:02}"


def moment(when: datetime) -> str:
    """Return a moment as people write it; the server knows no time zone of theirs."""
    return f"{when.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


class Renderer:
    """Renders the templates; `revision` and `is_demo` are shown at the foot of each page."""

    def __init__(self, *, revision: str, is_demo: bool) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(money=money, moment=moment, art=artwork.draw)
        self._environment.globals.update(revision=revision, is_demo=is_demo)

    def page(self, request: Request, name: str, status: int = 200, **values: object) -> Response:
        """Render a page."""
        in_basket = sum(basket.parse(request.cookies.get(basket.COOKIE, "")).values())
        text = self._environment.get_template(name).render(
            root=request.scope["root_path"], in_basket=in_basket, **values
        )
        return HTMLResponse(text, status, HEADERS)
