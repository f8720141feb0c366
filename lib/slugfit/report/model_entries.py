"""A model's entry in report.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from slugfit.models.check import CheckedModel
from slugfit.models.convert import Converted
from slugfit.models.prepare import PreparedModel


def model_to_json(model: PreparedModel) -> dict[str, Any]:
    """`bytes` and `sha256` are those of the source, `converted` those of the result."""
    return {
        **asdict(model.fetched),
        "format": model.inspection.format,
        "parameters": model.inspection.parameters,
        "converted": _conversion(model.converted) if model.converted else None,
        "checks": [_check(checked) for checked in model.checked],
    }


def _conversion(converted: Converted) -> dict[str, Any]:
    return {
        "sha256": converted.sha256,
        "bytes": converted.bytes,
        "cached": converted.cached,
        "compared_with": converted.expected.what if converted.expected else None,
    }


def _check(checked: CheckedModel) -> dict[str, Any]:
    """`load` is None when the file was not loaded; `notes` say why."""
    report = asdict(checked.report) if checked.report else None
    return {"path": checked.path, "load": report, "notes": list(checked.notes)}
