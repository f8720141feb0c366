"""Why the files of each category may go, for people who ask."""

from __future__ import annotations

from slugfit.strip.native.orphans import ORPHANS
from slugfit.strip.nominate import candidates
from slugfit.strip.nominate.candidates import BYTECODE, REQUESTED
from slugfit.strip.trials.bytecode import DROPPED, NOT_AT_BOOT

_COMPUTED = {
    REQUESTED: "the configuration asks for it",
    BYTECODE: "Python would find no source to it",
    ORPHANS: "no library links to them, and nothing that stays names them",
    DROPPED: 'the configuration says strip.bytecode = "drop"',
    NOT_AT_BOOT: "the app's start does not read it, and its source is there",
}


def reasons() -> dict[str, str]:
    """Category → why, of whatever a strip removes."""
    return candidates.reasons() | _COMPUTED
