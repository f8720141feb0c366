"""Recognises what is certainly not a model, by its first bytes."""

from __future__ import annotations

from slugfit.fetch.failures import HtmlPage, LfsPointer
from slugfit.stores.location import AppFile
from slugfit.stores.urls import StoreUrl

PREFIX_BYTES = 512

_LFS = b"version https://git-lfs.github.com/spec/v"
_HTML = (b"<!doctype html", b"<html")
_BOM = b"\xef\xbb\xbf"


def check_prefix(prefix: bytes, source: StoreUrl | AppFile) -> None:
    """Raise LfsPointer or HtmlPage if `prefix` is the beginning of one."""
    if failure := _recognise(prefix[:PREFIX_BYTES]):
        raise failure(source)


def _recognise(prefix: bytes) -> type[LfsPointer | HtmlPage] | None:
    if prefix.startswith(_LFS):
        return LfsPointer
    text = prefix.removeprefix(_BOM).lstrip().lower()
    return HtmlPage if text.startswith(_HTML) else None
