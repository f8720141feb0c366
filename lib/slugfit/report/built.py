"""Reads the report of a finished build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slugfit.base.errors import Explanation, Failure
from slugfit.report.document import SCHEMA_VERSION, slug_from_json
from slugfit.slug.items import OWN_DIRECTORY

REPORT = f"{OWN_DIRECTORY}/report.json"
_READABLE = (2, SCHEMA_VERSION)  # the third only added keys


class NotBuilt(Failure):
    """The directory has neither a build report nor installed packages."""

    id = "report::not-built"

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def explain(self) -> Explanation:
        return Explanation(
            summary="This directory has no build report.",
            where=str(self.directory),
            evidence=(f"not found: {REPORT}", "not found: *.dist-info"),
            fixes=(
                "Name the directory of an app that Slugfit has built:\nslugfit report DIRECTORY",
                "Or name a directory of installed packages:\n"
                "slugfit report .venv/lib/python3.12/site-packages",
            ),
        )


class ReportDamaged(Failure):
    """The report is damaged, or from another version of Slugfit."""

    id = "report::damaged"

    def __init__(self, file: Path, detail: str) -> None:
        self.file = file
        self.detail = detail

    def explain(self) -> Explanation:
        return Explanation(
            summary="The build report can't be read.",
            where=str(self.file),
            evidence=(self.detail,),
            fixes=("Build again with this version of Slugfit, which writes a new report.",),
        )


def read_report(app: Path) -> dict[str, Any]:
    """The report.json document in `app`. Raises NotBuilt, ReportDamaged."""
    file = app / REPORT
    try:
        document: dict[str, Any] = json.loads(file.read_bytes())
        if document["schema_version"] not in _READABLE:
            raise ReportDamaged(file, f"unsupported schema version: {document['schema_version']!r}")
        slug_from_json(document)
        [model["path"] for model in document["models"]]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotBuilt(app) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportDamaged(file, "its content does not match the schema") from error
    return document
