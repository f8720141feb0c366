"""Chromium, and the page of a small app in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from slugfit.report.report_source import open_report
from support.built import built_app
from support.chromium import NoChromiumError, chromium

MORE = {
    "changes": {"bytes": 2500, "items": []},
    "boot": {"download_seconds": 2.0, "unpack_seconds": 4.2, "bytes_per_second": 50_000_000},
    "savings": [{"id": "x", "bytes": 5000, "what": "without <b>beta</b>", "how": "In x:\nremove"}],
}


@dataclass
class Shown:
    """A page in the browser, and what must not happen in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, file: Path) -> None:
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready]")

    @property
    def milliseconds(self) -> int:
        """How long it took to be there."""
        return int(self.page.locator("html").get_attribute("data-ready") or 0)

    @property
    def level(self) -> list[str]:
        """The names in the table, the largest first."""
        return self.page.locator("#table tbody th").all_inner_texts()

    @property
    def total(self) -> str:
        """What the level holds: 12.3 KB in 45 files."""
        return self.page.locator("#crumbs .total").inner_text()

    @property
    def way(self) -> list[str]:
        return self.page.locator("#crumbs li:not(.total)").all_inner_texts()

    @property
    def details(self) -> str:
        return self.page.locator("#details").inner_text()

    def row(self, name: str) -> list[str]:
        row = self.page.locator("#table tbody tr").filter(
            has=self.page.get_by_role("rowheader", name=name)
        )
        return row.locator("td").all_inner_texts()

    def choose(self, label: str) -> None:
        self.page.get_by_text(label, exact=True).and_(self.page.locator(".switch span")).click()

    def tile(self, name: str) -> None:
        """Click the tile, and wait until the picture stands still."""
        self.page.locator(f'#tiles button[aria-label^="{name}"]').click()
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("#map:not(.moving)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(chromium())
        except NoChromiumError as absent:
            pytest.skip(str(absent))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small app."""
    home = tmp_path_factory.mktemp("small")
    file = home / "slug.html"
    file.write_bytes(open_report(built_app(home, MORE), home / "cache").page())
    return file


@pytest.fixture
def shown(browser: Browser, small: Path) -> Iterator[Shown]:
    """The small app's page, in which nothing has gone wrong in the end, either."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        shown = Shown(context.new_page())
        shown.open(small)
        yield shown
        assert shown.errors == []
        assert shown.requests == [small.as_uri()]
