"""All that there is to tell of a slug, from its files."""

from __future__ import annotations

import json
from pathlib import Path

from slugfit.build.measurement import measure, slug_of
from slugfit.packages.graph import graph_of
from slugfit.settings.model import Settings
from slugfit.slug.history import History, ItemChange
from slugfit.slug.items import Item, items
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.weigher import Weigher
from support.packages import Site

APP = Item("app", "the app's own files")
NUMPY = Item("distribution", "numpy", "1.0")


def test_an_account_puts_everything_together(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("numpy", {"numpy/__init__.py": "x = 1\n" * 900, "numpy/a.so": b"\x7fELF" * 500})
    site.install("jupyter", {"jupyter.py": "y = 2\n" * 9000})
    (site.app / "app.py").write_text("import numpy\n")
    (site.app / "link.py").symlink_to("app.py")
    (site.app / "requirements.txt").write_text("numpy\njupyter\n")
    parts = items(site.app, site.root, [])
    weights = Weigher(tmp_path / "none").weigh(
        {item: ArchiveSpec(site.app, tuple(paths)) for item, paths in parts.items()}
    )
    graph = graph_of(site.root, site.app, "3.12.1")
    slug = slug_of(site.app, parts, weights, Weight(9, 3), graph)
    assert slug.items == weights
    assert slug.files == sum(map(len, parts.values()))
    assert {kind: weight.raw for kind, weight in slug.parts[NUMPY].items()} == {
        "shared libraries": 2000,
        "code": 5400,
        "metadata": slug.items[NUMPY].raw - 7400,
    }
    for item, weight in slug.items.items():
        assert sum(slug.parts[item].values(), start=Weight()) == weight
    assert slug.parts[APP] == {"the app": slug.items[APP]}
    assert slug.chain(NUMPY) == ("requirements.txt",)

    last = tmp_path / "report.json"
    assert measure(site.app, site.root, slug, Settings(), last).since is None
    told = [
        {"kind": i.kind, "name": i.name, "version": i.version, "compressed_bytes": w.compressed}
        for i, w in weights.items()
        if i != NUMPY
    ]
    last.write_text(json.dumps({"slug": {"items": told}}))
    measurement = measure(site.app, site.root, slug, Settings(), last)
    size = weights[NUMPY].compressed
    assert measurement.since == History(size, (ItemChange("numpy", None, "1.0", size),))
    assert [saving.id for saving in measurement.savings] == ["development-tools"]
