"""Who shows the results of checks and conversions. report/ has the words."""

from __future__ import annotations

from typing import Protocol

from slugfit.models.check import Comparison, LoadReport
from slugfit.models.convert import Converted


class ModelReporter(Protocol):
    """Gets each result as it arrives. `path` is the model's path in the app."""

    def loaded(self, report: LoadReport) -> None:
        """A model was loaded, now or in an earlier build."""

    def not_loaded(self, path: str, note: str) -> None:
        """A model was not loaded, for the reason in `note`, a sentence."""

    def no_runtime(self, path: str, format_name: str, report: LoadReport | None) -> None:
        """The app has no runtime for a model; `report` is from one that Slugfit installed."""

    def compared(self, comparison: Comparison, reference: str) -> None:
        """Outputs were compared with those of `reference`, and are within the bounds."""

    def converted(self, converted: Converted, path: str, comparison: Comparison | None) -> None:
        """A conversion is complete, and its result is checked."""
