"""Why the files of each category may go, for people who ask."""

from __future__ import annotations

from slugfit.strip.candidates import selection
from slugfit.strip.candidates.selection import BYTECODE, REQUESTED
from slugfit.strip.native.orphans import ORPHANS
from slugfit.strip.trials.bytecode import DROPPED, NOT_AT_BOOT

_COMPUTED = {
    REQUESTED: "the configuration asks for it",
    BYTECODE: "its source is removed",
    ORPHANS: "no library links to them, and no remaining file names them",
    DROPPED: 'the configuration says strip.bytecode = "drop"',
    NOT_AT_BOOT: "the app does not read it at start, and its source stays",
}


def reasons() -> dict[str, str]:
    """Category → why, of everything that a strip removes."""
    return selection.reasons() | _COMPUTED
