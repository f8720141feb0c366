"""A small app as a build leaves it: stripped for real, with journal and report."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from slugfit.settings.model import StripSettings
from slugfit.slug.items import items
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.weigher import Weigher
from slugfit.strip.decision_cache import DecisionCache
from slugfit.strip.engine import carry_out, journal_of, plan_strip
from slugfit.strip.journal import JOURNAL, write_journal
from support.packages import Site

EVIL = "<img src=x onerror=alert(1)>.txt"
MODEL = "models/digits.tflite"
REMOVED = ("alpha/include/alpha.h", "alpha/tests/__init__.py", "alpha/tests/test_core.py")
_WORDS = ("import", "return", "self", "value", "None", "array", "shape", "for", "in", "\n")


def built_app(root: Path, extra: dict[str, Any] | None = None, modules: int = 12) -> Path:
    """The app; `extra` are more of what the report says of its slug."""
    site = Site(root)
    chance = random.Random(5)  # noqa: S311 (the same sizes in every run)
    comments = [f"# {' '.join(chance.choices(_WORDS[:-1], k=400))}\n" for _ in range(modules)]
    code = {f"alpha/part{n}.py": text * 8 for n, text in enumerate(comments)}
    tests = {"alpha/tests/__init__.py": "", "alpha/tests/test_core.py": "".join(comments)}
    header = {"alpha/include/alpha.h": "".join(comments).replace("#", "//")}
    site.install("alpha", {"alpha/__init__.py": "", **code, **tests, **header}, compiled=code)
    site.install("beta", {"beta.py": "import alpha\n" * 300, f"beta_data/{EVIL}": comments[0]})
    (site.app / "models").mkdir()
    (site.app / MODEL).write_bytes(chance.randbytes(50_000))
    (site.app / "app.py").write_text("import beta\n")
    _strip(site)
    _report(site, extra or {})
    return site.app


def _strip(site: Site) -> None:
    memory, settings = DecisionCache(site.app.parent / "memory"), StripSettings()
    planned = plan_strip(site.target, settings, memory)
    stripped = carry_out(planned, site.target, settings, memory, site.changes)
    inner = site.root.relative_to(site.app).as_posix()
    (site.app / JOURNAL).write_bytes(write_journal(journal_of(planned, stripped, inner)))
    site.changes.keep()


def _report(site: Site, extra: dict[str, Any]) -> None:
    parts = items(site.app, site.root, [MODEL])
    scales = Weigher(site.app.parent / "weights.json")
    weights = scales.weigh(
        {item: ArchiveSpec(site.app, tuple(some)) for item, some in parts.items()}
    )
    now = sum(weights.values(), start=Weight())
    told = [
        {"kind": i.kind, "name": i.name, "version": i.version, **_sizes(w)}
        for i, w in weights.items()
    ]
    slug = {
        **_sizes(now),
        "before_strip": _sizes(now + Weight(60_000, 9_000)),
        "limit_bytes": 200_000,
        "warn_bytes": 100_000,
        "items": told,
        **extra,
    }
    document = {
        "schema_version": 2,
        "python_version": "3.11.7",
        "stack": "heroku-24",
        "models": [{"path": MODEL}],
        "slug": slug,
    }
    (site.app / ".slugfit/report.json").write_text(json.dumps(document))


def _sizes(weight: Weight) -> dict[str, int]:
    return {"compressed_bytes": weight.compressed, "raw_bytes": weight.raw}
