"""TensorFlow's SavedModel: a directory with a graph, and its variables as a checkpoint.

Source: tensorflow/core/protobuf/saved_model.proto.
"""

from __future__ import annotations

from pathlib import Path

from slugfit.models.formats import bundle
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.protobuf import BYTES, VARINT, fields
from slugfit.models.formats.reader import BoundedReader, BrokenError, reading

_GRAPH, _TEXT_GRAPH = "saved_model.pb", "saved_model.pbtxt"
_INDEX = "variables/variables.index"
_SCHEMA, _META_GRAPH = 1, 2
_MAX_SEARCHED_BYTES = 256 << 20  # graphs can have large constants
_FIX = """\
Upload the whole directory again, and end its source with a slash:
source = "s3://bucket/model/"
The globs in include and exclude must not leave out variables/."""


def recognises(directory: Path) -> bool:
    return any((directory / name).is_file() for name in (_GRAPH, _TEXT_GRAPH))


def inspect(directory: Path) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    graph = directory / _GRAPH
    has_variables = False
    if graph.is_file():
        with reading(graph) as reader:
            _check_graph(reader)
            has_variables = reader.contains(b"VarHandleOp", _MAX_SEARCHED_BYTES)
    index = directory / _INDEX
    if index.is_file():
        bundle.check(index)
    elif has_variables:
        raise BrokenError(f"it has variables, but no {_INDEX}", _FIX)
    return Inspection("saved-model", TITLES["saved-model"])


def _check_graph(reader: BoundedReader) -> None:
    graphs = 0
    what = f"{_GRAPH}, of {reader.size:,} bytes,"
    for item in fields(reader, 0, reader.size, what):
        if (item.number, item.wire) == (_META_GRAPH, BYTES):
            graphs += 1
        elif (item.number, item.wire) != (_SCHEMA, VARINT):
            raise BrokenError(f"{_GRAPH} is not a SavedModel: unknown field {item.number}")
    if not graphs:
        raise BrokenError(f"{_GRAPH} has no graph")
