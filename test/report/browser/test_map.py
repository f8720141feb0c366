"""The page in a real browser: the map, its keys, its switches, the table beside it."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from report.browser.conftest import Shown
from report.test_page import DOCUMENT
from slugfit.report.page import page
from slugfit.report.page.page_data import MAX_FILES, page_data
from slugfit.report.report_source import open_report
from slugfit.slug.items import Item
from slugfit.slug.outline import WeighedFile
from slugfit.slug.weigh.compress import Weight
from support.built import EVIL, MODEL

LARGEST_PAGE = 1_000_000  # bytes
AA = 4.5  # WCAG's contrast of text


def number(text: str) -> float:
    """Bytes, of a size as the page shows it."""
    amount, unit = text.split()[:2]
    return float(amount) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def focused(shown: Shown) -> str:
    return str(shown.page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))


def test_the_head_tells_the_numbers_of_the_report(shown: Shown, small: Path) -> None:
    slug = open_report(small.parent / "app", small.parent / "cache").slug
    assert number(shown.page.locator("h1 b").inner_text()) == pytest.approx(
        slug.weight.compressed, rel=0.01
    )
    label = shown.page.locator("#budget").get_attribute("aria-label") or ""
    assert re.fullmatch(r"[\d.]+ KB of 200\.0 KB, \d+%", label)
    head = shown.page.locator("header").inner_text()
    assert "Before strip" in head
    assert "Since the last build\n+2.5 KB" in head
    assert "Boot\nabout 6.2 s" in head


def test_a_suggestion_is_text(shown: Shown) -> None:
    entry = shown.page.locator("#suggestions li")
    assert entry.inner_text() == "Saves 5.0 KB\nwithout <b>beta</b>\n\nIn x:\nremove"


def test_before_and_after_differ_by_what_was_removed(shown: Shown) -> None:
    after = shown.total
    shown.choose("Before")
    assert number(shown.total) > number(after)
    assert shown.page.locator('[data-chip="removed"]').is_visible()
    shown.choose("After strip")
    assert shown.total == after


def test_unpacked_is_more_than_compressed(shown: Shown) -> None:
    compressed = number(shown.row("alpha 1.0")[2])
    shown.choose("Unpacked")
    assert number(shown.row("alpha 1.0")[2]) > 2 * compressed
    caption = shown.page.locator("#table caption").inner_text()
    assert caption.endswith("unpacked")


def test_a_click_goes_in_and_the_way_leads_out(shown: Shown) -> None:
    shown.tile("alpha 1.0")
    assert shown.way == ["app", "alpha 1.0"]
    assert set(shown.level) == {"alpha", "alpha-1.0.dist-info"}
    shown.tile("alpha,")
    assert shown.way == ["app", "alpha 1.0", "alpha"]
    assert "part0.py" in shown.level
    shown.page.locator("#crumbs button").first.click()
    assert shown.way == ["app"]


def test_a_click_on_a_file_tells_of_it(shown: Shown) -> None:
    shown.choose("Before")
    shown.page.locator("#search").fill("include")
    shown.tile("alpha 1.0")
    assert shown.way == ["app", "alpha 1.0", "alpha", "include"]
    shown.tile("alpha.h")
    assert shown.details.startswith("alpha.h\n\nalpha/include/alpha.h")
    assert "Removed: C headers" in shown.details
    assert "Because: " in shown.details
    assert "Removed: C headers" in shown.page.locator("#status").inner_text()


def test_keys_do_all_that_the_pointer_does(shown: Shown) -> None:
    keyboard = shown.page.keyboard
    shown.page.locator("#tiles button").first.focus()
    first = focused(shown)
    keyboard.press("ArrowRight")
    second = focused(shown)
    assert second
    assert second != first
    keyboard.press("ArrowLeft")
    assert focused(shown) == first
    keyboard.press("Enter")
    shown.settle()
    assert len(shown.way) == 2
    assert focused(shown)
    keyboard.press("Escape")
    shown.settle()
    assert shown.way == ["app"]
    assert focused(shown) == first
    keyboard.press("Enter")
    keyboard.press("Backspace")
    assert shown.way == ["app"]


def test_one_tile_is_in_the_tab_order(shown: Shown) -> None:
    inside = shown.page.locator("#tiles button[tabindex='0']")
    assert inside.count() == 1
    shown.page.locator("#tiles button").first.focus()
    shown.page.keyboard.press("ArrowRight")
    assert inside.count() == 1


def test_the_focus_can_be_seen(shown: Shown) -> None:
    shown.page.locator("#tiles button").first.focus()
    shown.page.keyboard.press("ArrowRight")
    style = shown.page.evaluate("getComputedStyle(document.activeElement).outline")
    assert "3px" in style


def test_the_search_leaves_what_matches(shown: Shown) -> None:
    shown.page.keyboard.press("/")
    shown.page.keyboard.type("PART1")
    assert shown.level == ["alpha 1.0"]
    assert shown.total.endswith(" in 6 files")  # part1, 10 and 11, each with its bytecode
    assert shown.page.locator("#status").inner_text().startswith("6 files found")
    shown.page.keyboard.type("nowhere")
    assert shown.page.get_by_text("No matches.").is_visible()
    shown.page.locator("#search").fill("")
    assert len(shown.level) > 3


def test_a_category_can_be_looked_at_alone(shown: Shown) -> None:
    chip = shown.page.locator('[data-chip="bytecode"]')
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    assert shown.level == ["alpha 1.0"]
    assert shown.total.endswith(" in 12 files")
    chip.click()
    assert len(shown.level) > 3


def test_what_was_removed_can_be_looked_at_alone(shown: Shown) -> None:
    shown.choose("Before")
    shown.page.locator('[data-chip="removed"]').click()
    assert shown.level == ["alpha 1.0"]
    assert shown.row("alpha 1.0")[0] == "removed"


def test_a_package_can_be_chosen(shown: Shown) -> None:
    shown.page.locator("#package").select_option(label="beta 1.0")
    assert shown.way == ["app", "beta 1.0"]
    assert "beta.py" in shown.level
    shown.page.locator("#package").select_option(label="Everything")
    assert shown.way == ["app"]


def test_the_table_tells_the_same_and_leads_the_same_way(shown: Shown) -> None:
    tiles = shown.page.locator("#tiles button b").all_inner_texts()
    assert set(tiles) <= set(shown.level)
    sizes = [number(shown.row(name)[2]) for name in shown.level]
    assert sizes == sorted(sizes, reverse=True)
    shown.page.locator("#table").get_by_role("button", name="beta 1.0").click()
    assert shown.way == ["app", "beta 1.0"]


def test_the_screen_reader_hears_where_it_is(shown: Shown) -> None:
    assert shown.page.locator("#map").get_attribute("aria-label") == "Map of app"
    shown.tile("alpha 1.0")
    assert shown.page.locator("#map").get_attribute("aria-label") == "Map of alpha 1.0"
    heard = shown.page.locator("[role=status][aria-live=polite]").inner_text()
    assert re.fullmatch(r"alpha 1\.0: [\d.]+ KB, 2 entries", heard)


def test_a_name_that_looks_like_markup_is_a_name(shown: Shown) -> None:
    shown.page.locator("#search").fill("onerror")
    shown.tile("beta 1.0")
    assert shown.level == [EVIL]
    shown.tile("<img")
    assert EVIL in shown.details
    assert shown.page.locator("img").count() == 0


def test_the_pointer_finds_what_is_deep_inside(shown: Shown) -> None:
    box = shown.page.locator(f'#tiles button[aria-label^="{MODEL}"]').bounding_box()
    assert box
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert shown.details.startswith("digits.tflite")
    assert "models" in shown.details
    shown.page.mouse.move(5, 5)
    assert shown.details.startswith("app")


def contrast(element: Locator) -> float:
    """WCAG's contrast of an element's text with what is behind it."""
    return float(
        element.evaluate(
            """(element) => {
              const parsed = (colour) => colour.match(/[\\d.]+/g).map(Number);
              let behind = element;
              const seen = (one) => parsed(getComputedStyle(one).backgroundColor);
              while (behind.parentElement && seen(behind)[3] === 0) behind = behind.parentElement;
              const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, factor, at) => {
                const part = colour[at] / 255;
                const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
                return sum + factor * linear;
              }, 0);
              const pair = [light(parsed(getComputedStyle(element).color)), light(seen(behind))];
              return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
            }"""
        )
    )


TEXTS = (
    "h1 b, h1 small, .overline, #figures dt, #figures dd, .scale span:not(:empty), .switch span,"
    " .legend span, #crumbs button, .details th, .details p, #table th, #table td, #keys, footer"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(shown: Shown, scheme: str) -> None:
    shown.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    shown.tile("alpha 1.0")
    found = {text.inner_text(): contrast(text) for text in shown.page.locator(TEXTS).all()}
    assert {text: ratio for text, ratio in found.items() if ratio < AA} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tiles_names_can_be_read(shown: Shown, scheme: str) -> None:
    """On every category's colour, and on that of a directory."""
    shown.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    shown.page.evaluate(
        """() => document.body.append(...["surface", ..."0123456789"].map((name, at) => {
          const made = document.createElement("p");
          made.className = "probe";
          made.textContent = name;
          made.style.background = `var(--${at ? `k${name}` : name})`;
          return made;
        }))"""
    )
    probes = shown.page.locator(".probe").all()
    assert len(probes) == 11
    assert min(contrast(probe) for probe in probes) >= AA


def test_the_map_is_drawn_anew_when_the_dark_comes(shown: Shown) -> None:
    def drawn() -> str:
        return str(shown.page.evaluate("document.querySelector('canvas').toDataURL()"))

    light = drawn()
    shown.page.emulate_media(color_scheme="dark")
    shown.page.wait_for_timeout(100)
    assert drawn() != light
    shown.page.emulate_media(color_scheme="light")
    shown.page.wait_for_timeout(100)
    assert drawn() == light


def test_nothing_moves_for_those_who_asked_for_that(shown: Shown) -> None:
    shown.page.emulate_media(reduced_motion="reduce")
    shown.page.locator('#tiles button[aria-label^="alpha"]').click()
    assert shown.page.locator("#map.moving").count() == 0


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_the_width_of_any_screen(shown: Shown, width: int) -> None:
    shown.page.set_viewport_size({"width": width, "height": 740})
    shown.page.wait_for_timeout(100)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    map_width = shown.page.evaluate("document.getElementById('map').clientWidth")
    right = shown.page.evaluate(
        "Math.max(...[...document.querySelectorAll('#tiles button')]"
        ".map((tile) => tile.offsetLeft + tile.offsetWidth))"
    )
    assert 0.95 * map_width < right <= map_width + 1


def test_on_paper_there_is_the_map_and_all_of_the_table(shown: Shown) -> None:
    shown.page.emulate_media(media="print")
    assert shown.page.locator("#map").is_visible()
    assert shown.page.locator("#table").is_visible()
    assert not shown.page.locator(".tools").is_visible()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of more files than are listed one by one."""
    chance = random.Random(1)  # noqa: S311 (the same page in every run)
    words = ["core", "ops", "python", "kernel", "util", "math", "test", "data", "graph", "nn"]

    def some_file(number: int) -> WeighedFile:
        path = "/".join(chance.choices(words, k=chance.randint(1, 6)))
        size = round(chance.lognormvariate(8, 2))
        notes = ("Removed: tests", "Because: nothing imports them") if number % 3 == 0 else ()
        now, stripped = (
            (Weight(), Weight(size, size // 3)) if notes else (Weight(size, size // 3), Weight())
        )
        return WeighedFile(
            f"{path}/{chance.choice(words)}_{number:x}.py", now, stripped, bool(notes), notes
        )

    count = MAX_FILES + 10_000
    files = {
        Item("distribution", f"package{p}", "1.0"): [some_file(n) for n in range(count // 20)]
        for p in range(20)
    }
    file = tmp_path_factory.mktemp("large") / "slug.html"
    file.write_bytes(page(page_data("large", DOCUMENT, files)))
    yield file


def test_a_large_tree_is_a_small_file_that_opens_soon(browser: Browser, large: Path) -> None:
    assert large.stat().st_size < LARGEST_PAGE
    with browser.new_context() as context:
        shown = Shown(context.new_page())
        shown.open(large)
        sys.stdout.write(f"opened in {shown.milliseconds} ms, {large.stat().st_size:,} bytes\n")
        shown.choose("Before")
        shown.page.locator("#search").fill("kernel")
        assert shown.total.endswith("files")
        assert shown.errors == []
