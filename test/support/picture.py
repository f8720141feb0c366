"""`make picture`: README's picture, drawn anew from a real build of the TensorFlow app.

It is the report's page in Chromium, light and dark, without what needs a pointer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser

from support.chromium import NoChromiumError, chromium
from support.fixtures import BUCKET
from support.heroku import App
from support.indexed_png import indexed
from support.paths import DIGITS, REPOSITORY
from support.s3 import S3Server

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
IMAGES = REPOSITORY / "docs/images"
_APP, _NAME = "flask_tensorflow", "digit-reader"
# README is some 850 pixels wide on GitHub: text of 14 pixels is 12 there.
_WIDTH, _HEIGHT = 1000, 680
_SCALE = 2
_STYLE = """
.suggestions, .tools, nav, .keys, .table, .more, footer { display: none !important; }
body { padding: 24px 30px; }
main { margin-top: 12px; }
.legend { gap: 2px; margin-bottom: 10px; }
"""


def main() -> None:
    try:
        with chromium() as browser, TemporaryDirectory() as scratch:
            page = Path(scratch, "slug.html")
            build(page)
            IMAGES.mkdir(exist_ok=True)
            for scheme in SCHEMES:
                (IMAGES / f"slug-{scheme}.png").write_bytes(draw(page, browser, scheme))
    except NoChromiumError as absent:
        sys.exit(str(absent))


def build(page: Path) -> None:
    """Build the app, and write its report's page to `page`."""
    with S3Server() as s3:
        s3.create_bucket(BUCKET)
        s3.put(BUCKET, "digits/digits.h5", DIGITS / "digits.h5")
        with App(_APP, config=s3.config, echo=sys.stdout) as app:
            app.push()
            # The page calls the app as its directory is called.
            built = app.build_dir.rename(app.build_dir.with_name(_NAME))
            command = [str(REPOSITORY / "bin/slugfit"), "report", str(built), "--html", str(page)]
            environ = {**os.environ, "SLUGFIT_CACHE_DIR": str(page.with_name("cache"))}
            subprocess.run(command, env=environ, check=True)


def draw(page: Path, browser: Browser, scheme: Scheme) -> bytes:
    """The page as a PNG, before the strip: what was removed is hatched."""
    with browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT},
        device_scale_factor=_SCALE,
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as context:
        shown = context.new_page()
        shown.goto(page.as_uri())
        shown.wait_for_selector("html[data-ready]")
        shown.locator(".switch span").get_by_text("Before", exact=True).click()
        shown.add_style_tag(content=_STYLE)
        # Drawn anew in the next frame, for another width.
        shown.wait_for_timeout(200)
        return indexed(shown.screenshot(full_page=True), context.new_page())


if __name__ == "__main__":
    main()
