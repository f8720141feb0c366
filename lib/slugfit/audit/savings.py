"""Changes that make a slug smaller: by how much, and how to make them."""

from __future__ import annotations

from collections.abc import Sequence

from slugfit.audit.proposals import AppContext, proposals
from slugfit.audit.weights import Distributions
from slugfit.slug.budget import Saving
from slugfit.slug.contents import Slug

_WORTH = 0.002  # of the slug: less is no saving
# Notable is a tenth of the slug, within these bounds in bytes.
_SHARE, _LEAST, _MOST = 0.1, 5_000_000, 20_000_000


def savings(slug: Slug, context: AppContext) -> tuple[Saving, ...]:
    """All changes worth making, the largest saving first.

    What two of them would remove counts once: for the one that needs no change of code, else the
    larger.
    """
    distributions = Distributions(slug)
    least = _WORTH * slug.weight.compressed
    pending, taken = list(proposals(slug, context, distributions)), dict[str, float]()
    found = []
    while pending:
        sized = [(distributions.bytes(c.parts, taken) + c.other, c) for c in pending]
        size, best = min(sized, key=lambda pair: (pair[1].is_work, -pair[0], pair[1].id))
        pending.remove(best)
        if size > least:
            found.append(Saving(best.id, size, best.what, best.how))
            taken |= {n: min(1.0, taken.get(n, 0.0) + part) for n, part in best.parts.items()}
    return tuple(sorted(found, key=lambda saving: (-saving.bytes, saving.id)))


def notable(found: Sequence[Saving], slug: Slug) -> tuple[Saving, ...]:
    """What to suggest even where the slug is within its budget."""
    good = min(_MOST, max(_LEAST, _SHARE * slug.weight.compressed))
    return tuple(saving for saving in found if saving.bytes > good)
