"""What trials have found, which holds as long as all that they depend on is the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

NOT_WATCHED = "not observed"


@dataclass(frozen=True)
class Restored:
    """A distribution that was restored, and what failed without its files.

    `failed` is "import numpy", or another thing that was tried; `said` what it had to say.
    """

    distribution: str
    failed: str
    said: str


@dataclass(frozen=True)
class Verdict:
    """`checked` are what was tried, `observed` the bytecode that was read meanwhile.

    The paths of bytecode are relative to site-packages; `unseen` is why they are not all
    that is read at a start, "" if they are.
    """

    checked: tuple[str, ...] = ()
    restored: tuple[Restored, ...] = ()
    observed: tuple[str, ...] = ()
    unseen: str = ""


@dataclass(frozen=True)
class Verdicts:
    """Of the packages that lost something, and of the app's start; None for what is not known.

    The first depends on the tree, the plan, the modules of dynamic imports and the Python; the
    second on all that, and on the app's files.
    """

    packages: Verdict | None = None
    app: Verdict | None = None

    def whole(self) -> frozenset[str]:
        """The distributions that have to stay whole."""
        known = filter(None, (self.packages, self.app))
        return frozenset(r.distribution for verdict in known for r in verdict.restored)


def to_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON data."""
    return asdict(verdict)


def from_document(document: Any) -> Verdict | None:
    """The inverse of `to_document`; None for anything that is no verdict."""
    try:
        restored = (
            Restored(_text(entry["distribution"]), _text(entry["failed"]), _text(entry["said"]))
            for entry in document["restored"]
        )
        checked, observed = _texts(document["checked"]), _texts(document["observed"])
        return Verdict(checked, tuple(restored), observed, _text(document["unseen"]))
    except (KeyError, TypeError):
        return None


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(_text, values))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
