"""ELF files: what a loader reads of them, which strings they hold, and which parts are dead."""

from slugfit.strip.native.elf.copy import copy_shrunk
from slugfit.strip.native.elf.dead import Shrink, dead_ranges, shrink
from slugfit.strip.native.elf.dynamic import Dynamic, defined_symbols, read_dynamic, symbol_names
from slugfit.strip.native.elf.layout import MAGIC, Range
from slugfit.strip.native.elf.strings import mapped_pieces

__all__ = [
    "MAGIC",
    "Dynamic",
    "Range",
    "Shrink",
    "copy_shrunk",
    "dead_ranges",
    "defined_symbols",
    "mapped_pieces",
    "read_dynamic",
    "shrink",
    "symbol_names",
]
