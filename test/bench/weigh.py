"""Weighs a site-packages as a build does, twice, and tells what that took. `weigh SITE MEMORY`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.slug.items import items
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.weigher import Weigher


def main(site: Path, memory: Path) -> None:
    begin = time.monotonic()
    root = site.parent  # what is weighed has site-packages below the app
    loads = {item: ArchiveSpec(root, tuple(paths)) for item, paths in items(root, site, []).items()}
    scales = Weigher(memory / "weights.json")
    weights = scales.weigh(loads)
    seconds = time.monotonic() - begin
    changes = Changes(memory, memory / "removed")
    scales.save(changes)
    changes.keep()
    compressed = sum(weight.compressed for weight in weights.values())
    sys.stdout.write(json.dumps({"compressed": compressed, "seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
