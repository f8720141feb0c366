"""TensorFlow's SavedModel: a directory of a graph, and of variables as a checkpoint.

Source: tensorflow/core/protobuf/saved_model.proto.
"""

from __future__ import annotations

from pathlib import Path

from slugfit.models.formats import bundle
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.protobuf import BYTES, VARINT, fields
from slugfit.models.formats.reader import BrokenError, Reader, reading

_GRAPH, _TEXT_GRAPH = "saved_model.pb", "saved_model.pbtxt"
_INDEX = "variables/variables.index"
_SCHEMA, _META_GRAPH = 1, 2
_LOOKED_AT = 256 << 20  # of a graph with large constants
_FIX = """\
Upload the whole directory again, and name it with a slash at its end:
source = "s3://bucket/model/"
Globs in include and exclude have to let variables/ through."""


def recognises(directory: Path) -> bool:
    return any((directory / name).is_file() for name in (_GRAPH, _TEXT_GRAPH))


def inspect(directory: Path) -> Inspection:
    """Raises BrokenError."""
    graph = directory / _GRAPH
    has_variables = False
    if graph.is_file():
        with reading(graph) as reader:
            _check_graph(reader)
            has_variables = reader.contains(b"VarHandleOp", _LOOKED_AT)
    index = directory / _INDEX
    if index.is_file():
        bundle.check(index)
    elif has_variables:
        raise BrokenError(f"it has variables, but no {_INDEX}", _FIX)
    return Inspection("saved-model", TITLES["saved-model"])


def _check_graph(reader: Reader) -> None:
    graphs = 0
    what = f"{_GRAPH}, of {reader.size:,} bytes,"
    for item in fields(reader, 0, reader.size, what):
        if (item.number, item.wire) == (_META_GRAPH, BYTES):
            graphs += 1
        elif (item.number, item.wire) != (_SCHEMA, VARINT):
            raise BrokenError(f"{_GRAPH} is no graph: it has a field {item.number}")
    if not graphs:
        raise BrokenError(f"{_GRAPH} has no graph")
