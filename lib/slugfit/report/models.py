"""A model of a build as data, for report.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from slugfit.models.check import CheckedModel
from slugfit.models.convert import Converted
from slugfit.models.preparation import PreparedModel


def model_told(model: PreparedModel) -> dict[str, Any]:
    """`bytes` and `sha256` are the source's; `converted` is what became of it."""
    return {
        **asdict(model.fetched),
        "format": model.inspection.format,
        "parameters": model.inspection.parameters,
        "converted": _converted(model.converted) if model.converted else None,
        "checks": [_checked(checked) for checked in model.checked],
    }


def _converted(converted: Converted) -> dict[str, Any]:
    return {
        "sha256": converted.sha256,
        "bytes": converted.bytes,
        "cached": converted.cached,
        "compared_with": converted.expected.what if converted.expected else None,
    }


def _checked(checked: CheckedModel) -> dict[str, Any]:
    """`load` is None where nothing opened the file; `notes` say why."""
    report = asdict(checked.report) if checked.report else None
    return {"path": checked.path, "load": report, "notes": list(checked.notes)}
