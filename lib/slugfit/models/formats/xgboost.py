"""XGBoost's JSON, UBJSON and deprecated binary formats."""

from __future__ import annotations

import json
import re

from slugfit.models.formats import ubjson
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError

_LEARNER = (
    rb'"learner"\s*:\s*\{\s*"(?:attributes|feature_names|feature_types|generic_param|'
    rb'gradient_booster|learner_model_param|learner_train_param|objective)"'
)
_JSON = re.compile(rb'\s*\{\s*(?:"version"\s*:\s*\[[\d\s,]*\]\s*,\s*)?' + _LEARNER)
_UBJSON = re.compile(rb"\{(?:L\0{7}|l\0{3}|I\0|[iU])\x07learner\{")
# 136 bytes of parameters, then two length-prefixed strings: the objective and the booster.
_BINARY = re.compile(
    rb"(?:binf)?.{136}[\x01-\x40]\0{7}[a-z]+[:a-z0-9_-]+(?:[\x06\x08\x04]\0{7}(?:gbtree|gblinear|dart))",
    re.DOTALL,
)
_MAX_PARSED_BYTES = 2 << 20  # parsed JSON takes ten times that in memory


def recognises(reader: BoundedReader) -> bool:
    return any(pattern.match(reader.head) for pattern in (_JSON, _UBJSON, _BINARY))


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    if _UBJSON.match(reader.head):
        ubjson.check(reader)
        return Inspection("xgboost", f"{TITLES['xgboost']} (UBJSON)")
    if _JSON.match(reader.head):
        _check_json(reader)
        return Inspection("xgboost", f"{TITLES['xgboost']} (JSON)")
    return Inspection("xgboost", f"{TITLES['xgboost']} (binary, of versions before 3.1)")


def _check_json(reader: BoundedReader) -> None:
    """Raise BrokenError when the JSON is truncated or, if small enough to parse, invalid."""
    if not reader.peek(reader.size - 64, 64).rstrip().endswith(b"}"):
        raise BrokenError("its JSON is truncated")
    if reader.size > _MAX_PARSED_BYTES:
        return
    try:
        json.loads(reader.read(0, reader.size))
    except (ValueError, RecursionError):
        raise BrokenError("its JSON is invalid") from None
