"""The report of a finished build, read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slugfit.errors import Explanation, Failure
from slugfit.report.document import SCHEMA_VERSION, slug_told
from slugfit.slug.tree import OWN_DIRECTORY

REPORT = f"{OWN_DIRECTORY}/report.json"
_READABLE = (2, SCHEMA_VERSION)  # the third only adds keys


class NotBuilt(Failure):
    """A directory that is neither a built app nor one with packages in it."""

    id = "report::not-built"

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def explain(self) -> Explanation:
        return Explanation(
            summary="There is no report of a build in this directory.",
            where=str(self.directory),
            evidence=(f"not found: {REPORT}", "not found: *.dist-info"),
            fixes=(
                "Name an app that Slugfit has built:\nslugfit report DIRECTORY",
                "Or packages, of which it need not know anything:\n"
                "slugfit report .venv/lib/python3.12/site-packages",
            ),
        )


class ReportDamaged(Failure):
    """A report that is none, or that of another version of Slugfit."""

    id = "report::damaged"

    def __init__(self, file: Path, detail: str) -> None:
        self.file = file
        self.detail = detail

    def explain(self) -> Explanation:
        return Explanation(
            summary="The report of the build can't be read.",
            where=str(self.file),
            evidence=(self.detail,),
            fixes=("Build again, with this version of Slugfit: each build writes it anew.",),
        )


def read_report(app: Path) -> dict[str, Any]:
    """The document that a build has left in `app`. Raises NotBuilt, ReportDamaged."""
    file = app / REPORT
    try:
        document: dict[str, Any] = json.loads(file.read_bytes())
        if document["schema_version"] not in _READABLE:
            raise ReportDamaged(file, f"its schema is {document['schema_version']!r}")
        slug_told(document)
        [model["path"] for model in document["models"]]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotBuilt(app) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportDamaged(file, "it is not what a build writes") from error
    return document
