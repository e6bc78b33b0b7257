"""The page as people see it: opened in Chromium, on a screen and on a phone, light and dark."""

import json
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from deploytool.record.report.page import page as render
from deploytool.record.report.view import Report

Read = Callable[[str], Report]
Colours = Literal["light", "dark"]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium: .ci/run installs it"
)

ENDS = ("promoted", "failing", "slow", "held", "resumed", "running")
SCREEN, PHONE = 1200, 390


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium has no sandbox; it opens our own file alone.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = SCREEN, colours: Colours = "light"
) -> Generator[Page]:
    """The page with every part unfolded; nothing may be complained of or asked for meanwhile."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=colours)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.eval_on_selector_all("details", "all => all.forEach(each => each.open = true)")
    yield page
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    context.close()


@pytest.fixture
def file(tmp_path: Path, report: Read) -> Callable[[str], Path]:
    def written(end: str) -> Path:
        path = tmp_path / f"{end}.html"
        path.write_text(render(report(end)), encoding="utf-8")
        return path

    return written


def figures(page: Page, rows: str) -> list[dict[str, Any]]:
    """The figures of each row, by name, as they stand in the page."""
    found: list[dict[str, Any]] = page.eval_on_selector_all(
        rows,
        """rows => rows.map(row => Object.fromEntries(
            [...row.querySelectorAll("[data-figure]")].map(
                cell => [cell.dataset.figure, JSON.parse(cell.dataset.value)])))""",
    )
    return found


def recorded(log: Path) -> list[dict[str, Any]]:
    """The verdicts on record; of a poll that was recorded twice, the one that counts."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    observations = [line["details"] for line in lines if line.get("event") == "observation"]
    return [*{each["number"]: each["verdict"] for each in observations}.values()]


def expected(verdict: dict[str, Any], period: str) -> dict[str, Any]:
    fields: tuple[str, ...] = ("requests", "errors", "error_rate", "p50_s", "p90_s", "p99_s")
    seen = verdict["figures"]
    sums: dict[str, int] = {}
    if period == "at_step":
        fields += ("gave_up_late", "gave_up_soon")
        sums = {
            f"{arm}.{name}": sum(seen[period][arm][f"{name}_by_code"].values())
            for arm in ("canary", "stable")
            for name in ("client_errors", "redirects")
        }
    return {
        **{f"{arm}.{f}": seen[period][arm][f] for arm in ("canary", "stable") for f in fields},
        **sums,
        "e_value": seen["e_value"],
        "upper_bound": seen["upper_bound"],
        "decision": verdict["decision"],
    }


@pytest.mark.parametrize("end", ENDS)
def test_the_figures_in_the_page_are_those_of_the_record(
    browser: Browser, file: Callable[[str], Path], record: Callable[[str], Path], end: str
) -> None:
    verdicts = recorded(record(end))
    with opened(browser, file(end)) as page:
        assert figures(page, "[data-number]") == [expected(each, "in_total") for each in verdicts]
        latest = {each["figures"]["step"]: each for each in verdicts}
        assert figures(page, "[data-step]") == [expected(v, "at_step") for v in latest.values()]
        evidence = [each["e_value"] for each in verdicts[-1]["figures"]["metrics"]]
        assert [row["e_value"] for row in figures(page, "[data-metric]")] == evidence
        why = (page.text_content("[data-figure=why]") or "").replace("\N{NO-BREAK SPACE}", " ")
        assert why == verdicts[-1]["sentence"]


@pytest.mark.parametrize("end", ENDS)
def test_on_a_phone_nothing_sticks_out(
    browser: Browser, file: Callable[[str], Path], end: str
) -> None:
    with opened(browser, file(end), width=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE
        outside = page.eval_on_selector_all(
            "svg.area text",
            """all => all.filter(each => each.checkVisibility()).filter(each => {
                const box = each.getBoundingClientRect();
                return box.left < 0 || box.right > innerWidth;
            }).map(each => each.textContent)""",
        )
        assert outside == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    browser: Browser, file: Callable[[str], Path], colours: Colours
) -> None:
    with opened(browser, file("failing"), colours=colours) as page:
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(paper) > 0.5) == (colours == "light")
        inks = page.eval_on_selector_all(
            "main :not(svg, svg *), svg.area text",
            """all => [...new Set(all.filter(each => each.textContent.trim()).map(each =>
                getComputedStyle(each)[each.closest("svg") ? "fill" : "color"]))]""",
        )
        weak = [ink for ink in inks if contrast(ink, paper) < 4.5]
        assert weak == []


def test_the_moment_of_decision_is_marked_in_each_plot_at_the_same_place(
    browser: Browser, file: Callable[[str], Path]
) -> None:
    with opened(browser, file("failing")) as page:
        marks = page.eval_on_selector_all(
            "svg.area", "all => all.map(each => each.querySelectorAll('.decision').length)"
        )
        assert marks == [1] * 6
        places = page.eval_on_selector_all(
            ".decision", "all => [...new Set(all.map(each => each.getBoundingClientRect().x))]"
        )
        assert len(places) == 1
        labels = page.locator(".decision-label").all_text_contents()
        assert labels == ["rolled back"] * 6


def test_a_plot_says_what_it_shows_and_each_observation_its_values(
    browser: Browser, file: Callable[[str], Path], report: Read
) -> None:
    with opened(browser, file("failing")) as page:
        plot = page.get_by_role("img", name="Evidence against the canary")
        assert "It reached 100" in (plot.locator("desc").text_content() or "")
        hints = plot.locator(".strip title").all_text_contents()
        assert len(hints) == len(report("failing").observations)
        assert re.fullmatch(r"0:\d\d, step 2: 100 of 100, heaviest errors with \d+", hints[-1])


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
