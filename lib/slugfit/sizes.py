"""Sizes, times and counts as people write and read them. 1 MB is 10^6 bytes, 1 MiB is 2^20."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {"B": 1}
for _power, _letter in enumerate("KMGT", start=1):
    _UNITS |= {f"{_letter}B": 1000**_power, _letter: 1000**_power, f"{_letter}IB": 1024**_power}
_SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([A-Za-z]+)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smh])", re.ASCII)


def parse_size(text: str) -> int | None:
    """Bytes in "300MB", "1.5 GB", "1000M" or "512MiB"; None when it is no such size."""
    match = _SIZE.fullmatch(text.strip())
    if not match or match[2].upper() not in _UNITS:
        return None
    return round(Decimal(match[1]) * _UNITS[match[2].upper()])


def parse_duration(text: str) -> float | None:
    """Seconds in "90s", "20m" or "1.5h"; None when it is no such time."""
    match = _DURATION.fullmatch(text.strip())
    return float(match[1]) * _SECONDS[match[2]] if match else None


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


def format_duration(seconds: float) -> str:
    """Seconds as people say them: `12.3 s`, `4 min 10 s`, `1 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
