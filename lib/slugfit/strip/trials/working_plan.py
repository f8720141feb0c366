"""A plan that is being carried out, except for the distributions that must stay whole."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from operator import attrgetter

from slugfit.strip.apply import SitePackages
from slugfit.strip.strip_plan import Removal, StripPlan


class Work:
    """Carries out a plan for some distributions, and undoes it for others, at any time."""

    def __init__(self, tree: SitePackages, plan: StripPlan) -> None:
        self._tree = tree
        self._plan = plan
        self._more: tuple[Removal, ...] = ()
        self.distributions = frozenset(owner for _, owner in plan.owners())
        self.whole = self.distributions
        self.hashes = {s.path: s.hash for s in plan.shrinkings if s.hash}

    @property
    def done(self) -> StripPlan:
        """What is carried out now."""
        plan = self._plan.without(self.whole)
        removals = sorted((*plan.removals, *self._more), key=attrgetter("path"))
        return replace(plan, removals=tuple(removals))

    def leave(self, whole: Set[str]) -> None:
        """Have these distributions as they were, and all others as the plan wants them."""
        whole = self.distributions & whole
        returning, going = whole - self.whole, self.whole - whole
        self._tree.put_back(path for path, owner in self._plan.owners() if owner in returning)
        self._carry_out(self._plan.without(self.distributions - going))
        self.whole = whole

    def also(self, removals: tuple[Removal, ...]) -> None:
        """Remove these as well, at the end: nothing is restored after that."""
        self._more += removals
        self._tree.remove(removal.path for removal in removals)

    def _carry_out(self, plan: StripPlan) -> None:
        self._tree.remove(removal.path for removal in plan.removals)
        # What was shrunk before, in this build or another, need not be hashed again.
        shrinks = {shrinking.path: shrinking.shrink for shrinking in plan.shrinkings}
        self.hashes |= self._tree.shrink(shrinks, self.hashes)
        self._tree.link({linking.path: linking.target for linking in plan.linkings})
