"""Recognises what is certainly no model, by its first bytes."""

from __future__ import annotations

from slugfit.models.failures import FetchFailure, HtmlPage, LfsPointer

PREFIX_BYTES = 512

_LFS = b"version https://git-lfs.github.com/spec/v"
_HTML = (b"<!doctype html", b"<html")
_BOM = b"\xef\xbb\xbf"


def check_prefix(prefix: bytes, source: str) -> None:
    """Raise LfsPointer or HtmlPage when `prefix` begins one."""
    if failure := _recognise(prefix[:PREFIX_BYTES]):
        raise failure(source)


def _recognise(prefix: bytes) -> type[FetchFailure] | None:
    if prefix.startswith(_LFS):
        return LfsPointer
    text = prefix.removeprefix(_BOM).lstrip().lower()
    return HtmlPage if text.startswith(_HTML) else None
