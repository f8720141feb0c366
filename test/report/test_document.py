"""report.json and bin/report's record tell the whole build as data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit import VERSION
from slugfit.fetch.fetcher import FetchedModel, Outcome
from slugfit.fetch.plan import Action, ModelStep
from slugfit.models.check import CheckedModel
from slugfit.models.formats import Inspection
from slugfit.models.prepare import PreparedModel
from slugfit.packages.graph import Graph
from slugfit.report.document import BuildFacts, document, flat_record, slug_from_json, tally
from slugfit.settings.model import BudgetSettings, Settings
from slugfit.slug.budget import Saving
from slugfit.slug.contents import Slug
from slugfit.slug.history import History, ItemChange
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from slugfit.strip import Restored, Stripped
from slugfit.strip.native.elf import Range, Shrink
from slugfit.strip.strip_plan import Linking, Removal, Shrinking, StripPlan
from support.sources import model_from

SHA256 = "5" * 64
MODEL = PreparedModel(
    ModelStep(model_from("s3://bucket/m", "models/m"), Action.FETCH, Path("/app/models/m")),
    FetchedModel("s3://bucket/m", "models/m", SHA256, 4000, '"1"', "fetched"),
    Inspection("tflite", "TensorFlow Lite", parameters=1000),
    checked=(CheckedModel("models/m", None, ("check.load is false",)),),
)
REMOVALS = (
    Removal("numpy/tests/a.py", 100, "tests", "numpy"),
    Removal("numpy/tests/b.py", 20, "tests", "numpy"),
    Removal("scipy/docs/c.rst", 300, "documentation", "scipy"),
    Removal("scipy/tests/d.py", 7, "tests", "scipy"),
)
SHRINKINGS = (
    Shrinking("numpy/a.so", Shrink((Range(64, 1000), Range(4000, 2000))), "numpy"),
    Shrinking("scipy/b.so", Shrink((Range(64, 500),)), "scipy"),
)
LINKINGS = (Linking("scipy/c.bin", "scipy/d.bin", 70_000, "scipy"),)
APP = Item("app", "the app's own files")
WEIGHTS = Item("model", "models/m")
NUMPY = Item("distribution", "numpy", "2.4.1")
FACTS = BuildFacts(
    settings=Settings(budget=BudgetSettings(limit=9000, warn=5000)),
    python="3.14.2",
    stack="heroku-26",
    models=(MODEL,),
    stripped=Stripped(
        StripPlan(REMOVALS, SHRINKINGS, LINKINGS),
        restored=(Restored("PyYAML", "import yaml", "ImportError: no"),),
        checked=("numpy", "scipy", "PyYAML"),
        started=("import app",),
    ),
    slug=Slug(
        {
            APP: Weight(30, 10),
            WEIGHTS: Weight(4000, 3900),
            NUMPY: Weight(900, 300),
        },
        removed=Weight(427, 100),
        parts={
            APP: {"the app": Weight(30, 10)},
            WEIGHTS: {"models": Weight(4000, 3900)},
            NUMPY: {"code": Weight(500, 200), "data": Weight(400, 100)},
        },
        graph=Graph({"scipy": "requirements.txt"}, {"scipy": ("numpy",), "numpy": ()}),
        files=25,
    ),
    durations={"settings": 0.0123456, "fetch": 2.0},
    since=History(-70, (ItemChange("numpy", "2.4.0", "2.4.1", -70),)),
    savings=(Saving("strip-max", 40, "more goes", "In slugfit.toml:\nlevel"),),
)


def test_the_document_tells_everything() -> None:
    assert document(FACTS) == {
        "schema_version": 3,
        "slugfit_version": VERSION,
        "python_version": "3.14.2",
        "stack": "heroku-26",
        "models": [
            {
                "source": "s3://bucket/m",
                "path": "models/m",
                "sha256": SHA256,
                "bytes": 4000,
                "etag": '"1"',
                "outcome": "fetched",
                "files": None,
                "format": "tflite",
                "parameters": 1000,
                "converted": None,
                "checks": [{"path": "models/m", "load": None, "notes": ["check.load is false"]}],
            }
        ],
        "strip": {
            "level": "safe",
            "removed_files": 4,
            "removed_bytes": 427,
            "shrunk_files": 2,
            "shrunk_bytes": 3500,
            "linked_files": 1,
            "linked_bytes": 70_000,
            "by_category": [
                {"name": "documentation", "files": 1, "bytes": 300},
                {"name": "tests", "files": 3, "bytes": 127},
            ],
            "by_distribution": [
                {"name": "scipy", "files": 2, "bytes": 307},
                {"name": "numpy", "files": 2, "bytes": 120},
            ],
            "imported": ["numpy", "scipy", "PyYAML"],
            "started": ["import app"],
            "restored": [
                {"distribution": "PyYAML", "failed": "import yaml", "said": "ImportError: no"}
            ],
        },
        "slug": {
            "compressed_bytes": 4210,
            "raw_bytes": 4930,
            "files": 25,
            "before_strip": {"compressed_bytes": 4310, "raw_bytes": 5357},
            "limit_bytes": 9000,
            "warn_bytes": 5000,
            "items": [
                {
                    "kind": "model",
                    "name": "models/m",
                    "version": "",
                    "compressed_bytes": 3900,
                    "raw_bytes": 4000,
                    "required_by": [],
                    "categories": [{"name": "models", "compressed_bytes": 3900, "raw_bytes": 4000}],
                },
                {
                    "kind": "distribution",
                    "name": "numpy",
                    "version": "2.4.1",
                    "compressed_bytes": 300,
                    "raw_bytes": 900,
                    "required_by": ["scipy", "requirements.txt"],
                    "categories": [
                        {"name": "code", "compressed_bytes": 200, "raw_bytes": 500},
                        {"name": "data", "compressed_bytes": 100, "raw_bytes": 400},
                    ],
                },
                {
                    "kind": "app",
                    "name": "the app's own files",
                    "version": "",
                    "compressed_bytes": 10,
                    "raw_bytes": 30,
                    "required_by": [],
                    "categories": [{"name": "the app", "compressed_bytes": 10, "raw_bytes": 30}],
                },
            ],
            "categories": [
                {"name": "models", "compressed_bytes": 3900, "raw_bytes": 4000},
                {"name": "code", "compressed_bytes": 200, "raw_bytes": 500},
                {"name": "data", "compressed_bytes": 100, "raw_bytes": 400},
                {"name": "the app", "compressed_bytes": 10, "raw_bytes": 30},
            ],
            "changes": {
                "bytes": -70,
                "items": [{"name": "numpy", "before": "2.4.0", "after": "2.4.1", "bytes": -70}],
            },
            "savings": [
                {
                    "id": "strip-max",
                    "bytes": 40,
                    "what": "more goes",
                    "how": "In slugfit.toml:\nlevel",
                }
            ],
            "boot": {
                "download_seconds": 0.0,
                "unpack_seconds": 0.0,
                "bytes_per_second": 50_000_000,
            },
        },
        "durations": {"settings": 0.012, "fetch": 2.0},
    }


def test_the_document_is_json() -> None:
    told = document(FACTS)
    assert json.loads(json.dumps(told)) == told


def test_the_slug_can_be_had_back_from_the_document() -> None:
    told = document(FACTS)
    again = slug_from_json(told)
    assert document(replace(FACTS, slug=again)) == told
    assert (again.weight, again.before) == (FACTS.slug.weight, FACTS.slug.before)
    assert again.chain(NUMPY) == ("scipy", "requirements.txt")


def test_the_slug_can_be_had_from_a_document_of_the_schema_before() -> None:
    told = document(FACTS)
    old = ("compressed_bytes", "raw_bytes", "before_strip", "items")
    told["slug"] = {key: told["slug"][key] for key in old}
    for item in told["slug"]["items"]:
        del item["required_by"], item["categories"]
    assert slug_from_json(told) == Slug(FACTS.slug.items, FACTS.slug.removed)


def test_a_first_build_has_no_changes() -> None:
    assert document(replace(FACTS, since=None))["slug"]["changes"] is None


def test_the_document_lists_all_items_however_many() -> None:
    many = {Item("distribution", f"p{n}"): Weight(n, n) for n in range(100)}
    told = document(replace(FACTS, slug=Slug(many, Weight())))
    assert len(told["slug"]["items"]) == 100


def test_the_record_is_flat() -> None:
    assert flat_record(FACTS) == {
        "slugfit_version": VERSION,
        "python_version": "3.14.2",
        "strip_level": "safe",
        "models": 1,
        "model_bytes": 4000,
        "cache_status": "miss",
        "removed_files": 4,
        "removed_bytes": 427,
        "shrunk_bytes": 3500,
        "restored_packages": 1,
        "slug_compressed_bytes": 4210,
        "slug_raw_bytes": 4930,
        "over_warning_level": False,
        "settings_duration": 0.012,
        "fetch_duration": 2.0,
    }


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], "unused"),
        (["fetched"], "miss"),
        (["cached"], "hit"),
        (["unchanged"], "hit"),
        (["cached", "unchanged"], "hit"),
        (["cached", "fetched"], "miss"),
        (["linked"], "unused"),
        (["linked", "cached"], "hit"),
    ],
)
def test_the_status_of_the_cache_is_that_of_the_models(
    outcomes: list[Outcome], status: str
) -> None:
    models = tuple(
        replace(MODEL, fetched=replace(MODEL.fetched, outcome=outcome)) for outcome in outcomes
    )
    assert flat_record(replace(FACTS, models=models))["cache_status"] == status


@pytest.mark.parametrize(("warn", "over"), [(4209, True), (4210, False), (4211, False)])
def test_over_the_warning_level_means_over(warn: int, over: bool) -> None:
    settings = Settings(budget=BudgetSettings(limit=9000, warn=warn))
    assert flat_record(replace(FACTS, settings=settings))["over_warning_level"] is over


def test_a_tally_puts_most_bytes_first_and_equals_by_name() -> None:
    found = tally([("b", REMOVALS[0]), ("a", REMOVALS[0]), ("c", REMOVALS[2])])
    assert [row["name"] for row in found] == ["c", "a", "b"]
    assert tally([]) == []
