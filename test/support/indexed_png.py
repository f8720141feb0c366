"""PNGs with a palette of 256 colours: a third of the bytes of a screenshot.

The browser that made the screenshot decodes it and chooses the palette: no image library needed.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_BITS, _INDEXED = 8, 3
# The colours that most pixels have; each other colour becomes the nearest of these. What is drawn
# here is flat, so that the others are on the edges of letters.
_PALETTE = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const { width, height } = image;
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const channels = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const common = [...counts].sort(([, a], [, b]) => b - a).slice(0, 256);
  const palette = common.map(([pixel]) => channels(pixel));
  const distance = (a, b) => a.reduce((sum, value, at) => sum + (value - b[at]) ** 2, 0);
  const nearest = (colour) => {
    const distances = palette.map((other) => distance(colour, other));
    return distances.indexOf(Math.min(...distances));
  };
  const numbers = new Map([...counts.keys()].map((pixel) => [pixel, nearest(channels(pixel))]));
  const rows = Uint8Array.from(pixels, (pixel) => numbers.get(pixel));
  const reader = new FileReader();
  const read = new Promise((resolve) => (reader.onload = resolve));
  reader.readAsDataURL(new Blob([rows]));
  await read;
  return { width, height, palette: palette.flat(), pixels: reader.result.split(",")[1] };
}"""


def indexed(png: bytes, page: Page) -> bytes:
    """The same picture, with the 256 colours that are the most frequent in it.

    `page` is any page that allows data: URLs, such as about:blank.
    """
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return b"".join((_SIGNATURE, *_chunks(page.evaluate(_PALETTE, url))))


def _chunks(picture: dict[str, Any]) -> Iterator[bytes]:
    width, height = picture["width"], picture["height"]
    pixels = base64.b64decode(picture["pixels"])
    # Every row begins with its filter: none.
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    yield _chunk(b"IHDR", _HEADER.pack(width, height, _BITS, _INDEXED, 0, 0, 0))
    yield _chunk(b"PLTE", bytes(picture["palette"]))
    yield _chunk(b"IDAT", zlib.compress(rows, 9))
    yield _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
