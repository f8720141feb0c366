"""The Chromium that is installed here, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoChromiumError(Exception):
    """None is installed; the message says how to install one."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Raises NoChromiumError."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        raise NoChromiumError("no Chromium: on Debian, apt install chromium")
    # Its sandbox does not start for root.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()
