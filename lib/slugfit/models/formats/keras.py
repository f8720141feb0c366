"""The .keras zip: a configuration, and weights as HDF5."""

from __future__ import annotations

import json

from slugfit.models.formats import hdf5, zip_directory
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.keras_code import MAX_BYTES, code_in
from slugfit.models.formats.reader import BoundedReader, BrokenError, readable

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_JSON_BYTES = 4 << 20  # bytes of JSON
_STORED = 0


def recognises(reader: BoundedReader) -> bool:
    """True also for a zip without its directory, judged by the first member."""
    names, is_whole = zip_directory.names(reader)
    if not is_whole:
        return names in ((_METADATA,), (_CONFIG,))
    return _CONFIG in names and (_METADATA in names or _WEIGHTS in names)


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    members = zip_directory.members(reader)
    config = zip_directory.content(reader, members[_CONFIG], MAX_BYTES + 1)
    if len(config) <= MAX_BYTES:
        _check_json(config, _CONFIG)
    version = ""
    if _METADATA in members:
        metadata = _check_json(
            zip_directory.content(reader, members[_METADATA], _MAX_JSON_BYTES), _METADATA
        )
        version = (
            readable(str(metadata.get("keras_version", ""))) if isinstance(metadata, dict) else ""
        )
    weights = members.get(_WEIGHTS)
    if weights and weights.method == _STORED:
        start = zip_directory.data_offset(reader, weights)
        hdf5.check(reader, start, weights.size, _WEIGHTS)
    return Inspection(
        "keras",
        TITLES["keras"],
        code=code_in(config),
        facts=(("made by", f"Keras {version}"),) if version else (),
    )


def _check_json(content: bytes, name: str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise BrokenError(f"{name} is not valid JSON") from None
