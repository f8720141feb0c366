"""Sizes and counts as people write and read them. 1 MB is 10^6 bytes, 1 MiB is 2^20."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {"B": 1}
for _power, _letter in enumerate("KMGT", start=1):
    _UNITS |= {f"{_letter}B": 1000**_power, _letter: 1000**_power, f"{_letter}IB": 1024**_power}
_SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([A-Za-z]+)")


def parse_size(text: str) -> int | None:
    """Bytes in "300MB", "1.5 GB", "1000M" or "512MiB"; None when it is no such size."""
    match = _SIZE.fullmatch(text.strip())
    if not match or match[2].upper() not in _UNITS:
        return None
    return round(Decimal(match[1]) * _UNITS[match[2].upper()])


def format_size(count: int) -> str:
    """`count` bytes in the unit that leaves one to three digits before the point."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("KB", "MB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.2f} GB"


def count_of(count: int, noun: str) -> str:
    """`count` things in words: 1 file, 1,200 files."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
