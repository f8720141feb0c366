"""What can go wrong with one source of a model, in any store."""

from __future__ import annotations

from slugfit.base.errors import Explanation, Failure
from slugfit.stores.location import AppFile
from slugfit.stores.urls import StoreUrl


class FetchFailure(Failure):
    """Something about one source. It is shown without query string and credentials."""

    def __init__(self, source: StoreUrl | AppFile, detail: str = "") -> None:
        self.source = source
        self.detail = detail

    @property
    def _evidence(self) -> tuple[str, ...]:
        return (self.detail,) if self.detail else ()


class Truncated(FetchFailure):
    """The body ended before its announced end, at every try."""

    id = "fetch::truncated"
    kind = "upstream"

    def __init__(self, source: StoreUrl, size: int | None, detail: str) -> None:
        super().__init__(source, detail)
        self.size = size

    def explain(self) -> Explanation:
        size = "unknown" if self.size is None else f"{self.size} bytes"
        return Explanation(
            summary="A model arrives incomplete.",
            where=self.source.display,
            evidence=(f"announced: {size}", *self._evidence),
            fixes=(
                "that the upload of the model finished;",
                "a proxy or CDN in front of the store, which may cut long responses.",
            ),
        )
