"""Failures and how they are rendered. Imports nothing else of Slugfit.

Each room keeps its own failures beside its logic; they carry data and explain
themselves. Only the entry point catches, prints and exits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Kind = Literal["user", "upstream", "internal"]

PROJECT = "https://github.com/slugfit/slugfit"
DOCS = f"{PROJECT}/blob/main/docs"
_FIX_HEADINGS: dict[Kind, str] = {
    "user": "To fix this:",
    "upstream": "This is often temporary. Build again; if it persists, check:",
    "internal": "This is a bug in Slugfit. To get it fixed:",
}


@dataclass(frozen=True)
class Explanation:
    """The parts of an error message, in order.

    Each entry of `evidence`, `why` and `fixes` may span several lines.
    """

    summary: str
    where: str = ""
    evidence: tuple[str, ...] = ()
    why: str = ""
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """One value to correct. `where` is "slugfit.toml: budget.limit" or a config var's name."""

    where: str
    found: str
    allowed: str
    hint: str = ""

    def lines(self) -> str:
        rows = [self.where, f"  found:   {self.found}", f"  allowed: {self.allowed}"]
        return "\n".join(rows + ([f"  {self.hint}"] if self.hint else []))


class Failure(Exception):  # noqa: N818 (a failure of the build, not of the code)
    """A reason to stop the build. Subclasses set `id` and `kind` and carry the facts."""

    id: ClassVar[str]
    kind: ClassVar[Kind] = "user"

    def explain(self) -> Explanation:
        raise NotImplementedError

    def __str__(self) -> str:
        """The one-line detail for the report."""
        explanation = self.explain()
        if not explanation.where:
            return explanation.summary
        return f"{explanation.summary.rstrip('.')}: {explanation.where}"


def render(failure: Failure) -> list[str]:
    """The message's lines, without the ` !     ` prefix. lib/failure.sh renders the same way."""
    explanation = failure.explain()
    label = "Internal error" if failure.kind == "internal" else "Error"
    paragraphs = [
        [f"{label}: {explanation.summary}"],
        _lines(*filter(None, [explanation.where]), *explanation.evidence),
        explanation.why.splitlines(),
        _numbered(_FIX_HEADINGS[failure.kind], explanation.fixes),
        ["For more information, see:", link(failure.id)],
    ]
    filled = [paragraph for paragraph in paragraphs if paragraph]
    return [line for paragraph in filled for line in ("", *paragraph)][1:]


def link(failure_id: str) -> str:
    """The URL of this failure's heading in docs/errors.md; GitHub's anchors have no colons."""
    return f"{DOCS}/errors.md#{failure_id.replace(':', '')}"


def _lines(*texts: str) -> list[str]:
    """The lines of all `texts`; an empty text becomes an empty line."""
    return [line for text in texts for line in text.splitlines() or [""]]


def _numbered(heading: str, fixes: tuple[str, ...]) -> list[str]:
    lines = [heading]
    for number, fix in enumerate(fixes, start=1):
        first, *rest = fix.splitlines()
        lines += [f"{number}. {first}", *(f"   {line}".rstrip() for line in rest)]
    return lines if fixes else []
