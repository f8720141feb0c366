"""README's picture: drawn of a page, light and dark, with a palette."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from support.indexed_png import indexed
from support.picture import SCHEMES, draw

# The colours of a picture, and the share of its pixels that differ from another's by more than
# letters' edges do.
_COMPARED = """async (urls) => {
  const pixelsOf = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
    pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, image.width, image.height).data;
  };
  const [one, other] = await Promise.all(urls.map(pixelsOf));
  let off = 0;
  const colours = new Set();
  for (let at = 0; at < one.length; at += 4) {
    colours.add((one[at] << 16) | (one[at + 1] << 8) | one[at + 2]);
    if ([0, 1, 2].some((c) => Math.abs(one[at + c] - other[at + c]) > 24)) off += 1;
  }
  return { colours: colours.size, off: off / (one.length / 4) };
}"""


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def compared(browser: Browser, *pictures: bytes) -> dict[str, Any]:
    urls = [f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in pictures]
    with browser.new_context() as context:
        result: dict[str, Any] = context.new_page().evaluate(_COMPARED, urls)
        return result


def test_a_palette_leaves_the_picture_as_it_was(browser: Browser, small: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(small.as_uri())
        page.wait_for_selector("html[data-ready]")
        png = page.screenshot()
        made = indexed(png, context.new_page())
    assert size_of(made) == size_of(png)
    assert len(made) < len(png) * 0.7
    found = compared(browser, made, png)
    assert found["colours"] <= 256
    assert found["off"] < 0.001


def test_the_picture_is_drawn_in_light_and_dark(browser: Browser, small: Path) -> None:
    light, dark = (draw(small, browser, scheme) for scheme in SCHEMES)
    assert size_of(light) == size_of(dark)
    assert size_of(light)[0] == 2000
    assert compared(browser, light, dark)["off"] > 0.9
