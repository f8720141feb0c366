"""A directory of model files: which ones to inspect, and the combined result."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from slugfit.base.sizes import count_of
from slugfit.models.formats import saved_model
from slugfit.models.formats.inspection import UNKNOWN, Inspection
from slugfit.models.formats.reader import BrokenError

_INDEX = ".index.json"
_MAX_INDEX_BYTES = 4 << 20
_FIX = """\
Upload all parts of the model. If globs are set, they must include all parts:
include = ["*.json", "*.safetensors"]"""


def models(root: Path) -> list[str]:
    """Paths below `root` to inspect, sorted: files, and SavedModel directories."""
    return sorted(_below(root))


def check_indices(root: Path) -> None:
    """Raise BrokenError when only some parts of a sharded model are present.

    When none is, the directory provides the model in another format.
    """
    for index in sorted(root.rglob(f"*{_INDEX}")):
        parts = _parts(index)
        missing = sorted(name for name in parts if not (index.parent / name).is_file())
        if missing and len(missing) < len(parts):
            problem = f"{missing[0]} is missing, one of {len(parts):,} parts in {index.name}"
            raise BrokenError(problem, _FIX)


def combined(parts: Sequence[tuple[str, Inspection]]) -> Inspection:
    """One inspection for all models among `parts`."""
    known = [(name, part) for name, part in parts if part.format]
    if not known:
        return UNKNOWN
    first = known[0][1]
    if len(known) == 1:
        return replace(first, parts=tuple(known))
    formats = {part.format for _, part in known}
    titles = ", ".join(sorted({part.title for _, part in known}))
    counted = [part.parameters for _, part in known if part.parameters is not None]
    return Inspection(
        first.format if len(formats) == 1 else None,
        f"{count_of(len(known), 'file')} ({titles})",
        parameters=sum(counted) if counted else None,
        dtypes=tuple(sorted({dtype for _, part in known for dtype in part.dtypes})),
        code=next((part.code for _, part in known if part.code), ""),
        parts=tuple(known),
    )


def _below(root: Path) -> Iterator[str]:
    for parent, directories, files in os.walk(root):
        relative = Path(parent).relative_to(root)
        for name in list(directories):
            if saved_model.recognises(Path(parent) / name):
                directories.remove(name)
                yield (relative / name).as_posix()
        yield from ((relative / n).as_posix() for n in files if (Path(parent) / n).is_file())


def _parts(index: Path) -> set[str]:
    """The files that a Hugging Face weight index names."""
    if index.stat().st_size > _MAX_INDEX_BYTES:
        return set()
    try:
        parsed = json.loads(index.read_bytes())
    except (ValueError, RecursionError):
        return set()
    weights = parsed.get("weight_map") if isinstance(parsed, dict) else None
    return {str(name) for name in weights.values()} if isinstance(weights, dict) else set()
