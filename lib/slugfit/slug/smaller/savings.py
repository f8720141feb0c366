"""What would make a slug smaller, by how much, and how to do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slugfit.sizes import format_size
from slugfit.slug.contents import Slug
from slugfit.slug.smaller.candidates import Situation, candidates
from slugfit.slug.smaller.stock import Stock

__all__ = ["MOST", "Saving", "Situation", "savings", "telling"]

MOST = 3  # that are told of at once
_WORTH = 0.002  # of the slug: what saves less is no saving
# What is a good part of a slug: a tenth, but no less and no more than these bytes.
_SHARE, _LITTLE, _MUCH = 0.1, 5_000_000, 20_000_000


@dataclass(frozen=True)
class Saving:
    """A change that makes the slug about `bytes` smaller, compressed.

    `what` it is needs a full stop; `how` to make it ends with what can be pasted.
    """

    id: str
    bytes: int
    what: str
    how: str

    def __str__(self) -> str:
        return f"About {format_size(self.bytes)} less: {self.what}.\n{self.how}"


def savings(slug: Slug, situation: Situation) -> tuple[Saving, ...]:
    """All changes that are worth it, those that save most first.

    What two of them would take is counted once: for the one that is no work, or else the bigger.
    """
    stock = Stock(slug)
    least = _WORTH * slug.weight.compressed
    pending, taken = list(candidates(slug, situation, stock)), dict[str, float]()
    found = []
    while pending:
        sized = [(stock.bytes(c.parts, taken) + c.other, c) for c in pending]
        size, best = min(sized, key=lambda pair: (pair[1].is_work, -pair[0], pair[1].id))
        pending.remove(best)
        if size > least:
            found.append(Saving(best.id, size, best.what, best.how))
            taken |= {n: min(1.0, taken.get(n, 0.0) + part) for n, part in best.parts.items()}
    return tuple(sorted(found, key=lambda saving: (-saving.bytes, saving.id)))


def telling(found: Sequence[Saving], slug: Slug) -> tuple[Saving, ...]:
    """What to bring up where nothing is wrong: what would save a good part of the slug."""
    good = min(_MUCH, max(_LITTLE, _SHARE * slug.weight.compressed))
    return tuple(saving for saving in found if saving.bytes > good)
