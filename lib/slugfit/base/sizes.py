"""Parses and formats sizes, times and counts. 1 MB is 10^6 bytes, 1 MiB is 2^20."""

from __future__ import annotations

import math
import re
from decimal import Decimal

MB = 1_000_000

_UNITS = {"B": 1}
for _power, _letter in enumerate("KMGT", start=1):
    _UNITS |= {f"{_letter}B": 1000**_power, _letter: 1000**_power, f"{_letter}IB": 1024**_power}
_SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([A-Za-z]+)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smh])", re.ASCII)


def parse_size(text: str) -> int | None:
    """Bytes in "300MB", "1.5 GB", "1000M" or "512MiB"; None for other text."""
    match = _SIZE.fullmatch(text.strip())
    if not match or match[2].upper() not in _UNITS:
        return None
    return round(Decimal(match[1]) * _UNITS[match[2].upper()])


def parse_duration(text: str) -> float | None:
    """Seconds in "90s", "20m" or "1.5h"; None for other text."""
    match = _DURATION.fullmatch(text.strip())
    return float(match[1]) * _SECONDS[match[2]] if match else None


def format_size(count: int) -> str:
    """`count` bytes, in the unit with one to three digits before the decimal point."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("KB", "MB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.2f} GB"


def format_change(count: int) -> str:
    """A difference of sizes: +212.0 MB, −3.0 KB."""  # noqa: RUF002 - a minus sign
    sign = "−" if count < 0 else "+"  # noqa: RUF001 - a minus sign
    return f"{sign}{format_size(abs(count))}"


def count_of(count: int, noun: str) -> str:
    """A count with its noun: 1 file, 1,200 files."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_percent(share: float) -> str:
    """A share of 0 to 1, rounded down: only 1 is 100.0%."""
    return f"{math.floor(round(share * 1000, 6)) / 10:.1f}%"


def format_duration(seconds: float) -> str:
    """Seconds for people to read: `12.3 s`, `4 min 10 s`, `1 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
