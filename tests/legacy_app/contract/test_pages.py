"""The shop as people see it: links and forms are followed as a browser follows them."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html.parser import HTMLParser

import httpx2
import pytest

Start = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
AS_BROWSER = {"Accept": "text/html"}
VOID = {"meta", "link", "input", "path", "circle", "rect", "br"}


class Page(HTMLParser):
    """What a page holds; complains about elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.text = re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", "", text))
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if "href" in found:
            self.links.append(found["href"])
        if tag == "form":
            self.forms.append((found["action"], {}))
        if tag == "input" and "name" in found:
            self.forms[-1][1][found["name"]] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


async def get(shop: httpx2.AsyncClient, path: str, **headers: str) -> Page:
    answer = await shop.get(path, headers=AS_BROWSER | headers, follow_redirects=True)
    assert answer.status_code == 200
    return Page(answer.text)


async def send(
    shop: httpx2.AsyncClient, page: Page, action: str, **values: str
) -> tuple[str, Page]:
    form = next(form for form in page.forms if form[0].endswith(action))
    answer = await shop.post(form[0], data=form[1] | values, headers=AS_BROWSER)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"], await get(shop, answer.headers["location"])


async def test_from_the_catalogue_to_a_confirmed_order(start_shop: Start) -> None:
    async with start_shop() as shop:
        page = await get(shop, "/")
        assert page.text.count("Add to basket") == 12
        assert "Only 40 left" in page.text
        assert "A demonstration" in page.text
        _, page = await send(shop, page, "/basket/add", sku="BOWL-ASH")
        assert "Ash Salad Bowl is in your basket" in page.text
        page = await get(shop, "/basket")
        _, page = await send(shop, page, "/basket", qty="3")
        assert "€\u202f252.00" in page.text
        page = await get(shop, "/checkout")
        place, page = await send(shop, page, "/checkout", customer="Ada <Lovelace>")
        assert place == "/orders/1"
        assert "Reserved" in page.text
        assert "Held for you until" in page.text
        assert "Ada &lt;Lovelace&gt;" in page.text
        _, page = await send(shop, page, "/orders/1/confirm")
        assert "Thank you!" in page.text
        assert "Ada" in (await get(shop, "/orders")).text
        assert "nothing in it yet" in (await get(shop, "/basket")).text


async def test_a_second_click_orders_once(start_shop: Start) -> None:
    async with start_shop() as shop:
        page = await get(shop, "/")
        await send(shop, page, "/basket/add", sku="BOWL-ASH")
        page = await get(shop, "/checkout")
        cookies = dict(shop.cookies)
        first, _ = await send(shop, page, "/checkout", customer="Ada")
        shop.cookies.update(cookies)
        second, _ = await send(shop, page, "/checkout", customer="Ada")
        assert first == second == "/orders/1"


async def test_sold_out_keeps_the_basket_and_says_why(start_shop: Start) -> None:
    async with start_shop() as shop:
        page = await get(shop, "/")
        await send(shop, page, "/basket/add", sku="CLOCK-TIDE")
        page = await get(shop, "/basket")
        _, page = await send(shop, page, "/basket", qty="41")
        assert "only 40 left" in page.text
        page = await get(shop, "/checkout")
        _, page = await send(shop, page, "/checkout", customer="Ada")
        assert "cancelled: something in it was out of stock" in page.text
        assert "/basket" in page.links


async def test_links_and_cookies_work_behind_a_stripped_prefix(start_shop: Start) -> None:
    async with start_shop() as shop:
        for path in ("/", "/basket", "/orders"):
            answer = await shop.get(path, headers={"X-Forwarded-Prefix": "/app"})
            page = Page(answer.text)
            targets = [*page.links, *(action for action, _ in page.forms)]
            assert all(t.startswith(("/app/", "#")) for t in targets)
        added = await shop.post(
            "/basket/add", data={"sku": "BOWL-ASH"}, headers={"X-Forwarded-Prefix": "/app"}
        )
        assert added.headers["location"] == "/app/?added=BOWL-ASH"
        assert "Path=/app;" in added.headers["set-cookie"]


@pytest.mark.parametrize("prefix", ["//evil.example", "/a b", '/"><script>', "evil"])
async def test_a_prefix_that_is_no_path_is_ignored(start_shop: Start, prefix: str) -> None:
    async with start_shop() as shop:
        answer = await shop.get("/orders", headers={"X-Forwarded-Prefix": prefix})
        assert 'href="/basket"' in answer.text


async def test_people_get_errors_as_pages(start_shop: Start) -> None:
    async with start_shop() as shop:
        for path, status, words in (
            ("/orders/7", 404, "There is no order 7."),
            ("/nowhere", 404, "Not Found"),
            ("/orders/x", 422, "not valid"),
        ):
            answer = await shop.get(path, headers=AS_BROWSER)
            assert answer.status_code == status
            assert words in Page(answer.text).text
        for body in ({}, {"sku": "BOWL-ASH", "qty": "many"}, {"sku": "x" * 9000, "qty": "1"}):
            answer = await shop.post("/basket", data=body, headers=AS_BROWSER)
            assert answer.status_code in (413, 422)


async def test_pages_load_nothing_from_elsewhere(start_shop: Start) -> None:
    async with start_shop() as shop:
        answer = await shop.get("/")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        for name, kind in (("shop.css", "text/css"), ("icon.svg", "image/svg+xml")):
            static = await shop.get(f"/static/{name}")
            assert static.headers["content-type"].startswith(kind)
            assert "//" not in static.text.replace("http://www.w3.org/2000/svg", "")
        assert (await shop.get("/static/..%2Fpages.py")).status_code in (404, 422)
