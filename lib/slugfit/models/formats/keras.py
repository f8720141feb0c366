"""Keras' own zip: a configuration, and weights as HDF5."""

from __future__ import annotations

import json

from slugfit.models.formats import hdf5, zips
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BrokenError, Reader, readable

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LONGEST = 4 << 20  # bytes of JSON
_STORED = 0


def recognises(reader: Reader) -> bool:
    """Also of a zip whose directory is lost, by its first member."""
    names, is_whole = zips.names(reader)
    if not is_whole:
        return names in ((_METADATA,), (_CONFIG,))
    return _CONFIG in names and (_METADATA in names or _WEIGHTS in names)


def inspect(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    members = zips.members(reader)
    config = zips.content(reader, members[_CONFIG], _LONGEST)
    _check_json(config, _CONFIG)
    version = ""
    if _METADATA in members:
        metadata = _check_json(zips.content(reader, members[_METADATA], _LONGEST), _METADATA)
        version = (
            readable(str(metadata.get("keras_version", ""))) if isinstance(metadata, dict) else ""
        )
    weights = members.get(_WEIGHTS)
    if weights and weights.method == _STORED:
        start = zips.data_offset(reader, weights)
        hdf5.check(reader, start, weights.size, f"{_WEIGHTS} in it")
    return Inspection(
        "keras",
        TITLES["keras"],
        unpickles=any(word in config for word in hdf5.LAMBDAS),
        facts=(("made by", f"Keras {version}"),) if version else (),
    )


def _check_json(content: bytes, name: str) -> object:
    if len(content) >= _LONGEST:
        return {}
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise BrokenError(f"{name} in it is no JSON") from None
