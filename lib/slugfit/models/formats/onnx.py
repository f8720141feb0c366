"""ONNX. Source: onnx.proto of the ONNX project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from slugfit.models.formats import onnx_tensor as tensors
from slugfit.models.formats.inspection import TITLES, Inspection, TensorSpec
from slugfit.models.formats.protobuf import BYTES, VARINT, ProtobufField, fields, text
from slugfit.models.formats.reader import BoundedReader, BrokenError

_IR_VERSION, _PRODUCER, _PRODUCER_VERSION, _DOMAIN = 1, 2, 3, 4
_GRAPH, _OPSET = 7, 8
_WIRES = {1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES}
_INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 5, 11, 12, 15
_TENSOR_TYPES = {1, 8}  # dense and sparse
_OTHER_TYPES = {4: "sequence", 5: "map", 7: "opaque", 9: "optional"}
_NO_END = 1 << 62
_MAX_PRODUCER_BYTES = 256


@dataclass
class _Found:
    """What has been read from a model so far."""

    ir_version: int | None = None
    producer: list[str] = field(default_factory=list)
    opsets: dict[str, int] = field(default_factory=dict)
    graphs: int = 0
    weights: list[tensors.Weights] = field(default_factory=list)
    inputs: list[TensorSpec] = field(default_factory=list)
    outputs: list[TensorSpec] = field(default_factory=list)


def recognises(reader: BoundedReader) -> bool:
    """Whether the fields up to the graph are those of a model: the format has no signature."""
    seen = set()
    try:
        # Without an end, so that a truncated graph counts.
        for item in fields(reader, 0, _NO_END, "the model"):
            if _WIRES.get(item.number) != item.wire or not _is_short(item):
                return False
            seen.add(item.number)
            if item.number == _GRAPH:
                return _IR_VERSION in seen
    except BrokenError:
        pass
    return False


def _is_short(item: ProtobufField) -> bool:
    named = item.number in (_PRODUCER, _PRODUCER_VERSION, _DOMAIN)
    return not named or item.end - item.at <= _MAX_PRODUCER_BYTES


def inspect(reader: BoundedReader) -> Inspection:
    """Raises BrokenError, also when external data is missing beside the file."""
    found = _Found()
    for item in fields(reader, 0, reader.size, "the model"):
        _take(reader, item, found)
    if not found.graphs:
        raise BrokenError("it has no graph")
    if not found.opsets:
        raise BrokenError("it names no operator set: it is truncated")
    companions = tensors.check_companions(found.weights, reader.path.parent)
    initialized = {w.name for w in found.weights}
    return Inspection(
        "onnx",
        TITLES["onnx"],
        parameters=sum(w.count for w in found.weights) or None,
        dtypes=tuple(sorted({w.dtype for w in found.weights})),
        # Old models list their weights among the inputs.
        inputs=tuple(spec for spec in found.inputs if spec.name not in initialized),
        outputs=tuple(found.outputs),
        opsets=dict(sorted(found.opsets.items())),
        ir_version=found.ir_version,
        companions=companions,
        facts=tuple(_facts(found)),
    )


def _facts(found: _Found) -> Iterator[tuple[str, str]]:
    if producer := " ".join(filter(None, found.producer)):
        yield "made by", producer
    yield "opset", ", ".join(f"{d} {v}" for d, v in sorted(found.opsets.items()))


def _take(reader: BoundedReader, item: ProtobufField, found: _Found) -> None:
    if item.number == _IR_VERSION:
        found.ir_version = item.signed
    elif item.number in (_PRODUCER, _PRODUCER_VERSION):
        found.producer.append(text(reader, item))
    elif item.number == _OPSET:
        domain, version = "ai.onnx", 0
        for part in fields(reader, item.at, item.end, "an operator set"):
            if part.number == 1:
                domain = text(reader, part) or domain
            elif part.number == 2:
                version = part.signed
        found.opsets[domain] = version
    elif item.number == _GRAPH:
        found.graphs += 1
        _take_graph(reader, item, found)


def _take_graph(reader: BoundedReader, graph: ProtobufField, found: _Found) -> None:
    for item in fields(reader, graph.at, graph.end, "the graph"):
        if item.number == _INITIALIZER:
            found.weights.append(tensors.read(reader, item))
        elif item.number == _SPARSE:
            found.weights += _sparse(reader, item)
        elif item.number == _INPUT:
            found.inputs.append(_spec(reader, item))
        elif item.number == _OUTPUT:
            found.outputs.append(_spec(reader, item))


def _sparse(reader: BoundedReader, item: ProtobufField) -> Iterator[tensors.Weights]:
    """A sparse tensor's values, and its indices, which are no weights but can be external too."""
    for part in fields(reader, item.at, item.end, "a sparse tensor"):
        if part.number in (1, 2):
            weights = tensors.read(reader, part)
            yield weights if part.number == 1 else replace(weights, count=0)


def _spec(reader: BoundedReader, item: ProtobufField) -> TensorSpec:
    spec = TensorSpec("", "unknown", None)
    for part in fields(reader, item.at, item.end, "an input or output"):
        if part.number == 1:
            spec = replace(spec, name=text(reader, part))
        elif part.number == 2:
            dtype, shape = _type(reader, part)
            spec = replace(spec, dtype=dtype, shape=shape)
    return spec


def _type(
    reader: BoundedReader, item: ProtobufField
) -> tuple[str, tuple[int | str | None, ...] | None]:
    for part in fields(reader, item.at, item.end, "a type"):
        if part.number in _TENSOR_TYPES:
            return _tensor_type(reader, part)
        if part.number in _OTHER_TYPES:
            return _OTHER_TYPES[part.number], None
    return "unknown", None


def _tensor_type(
    reader: BoundedReader, item: ProtobufField
) -> tuple[str, tuple[int | str | None, ...] | None]:
    dtype, shape = "unknown", None
    for part in fields(reader, item.at, item.end, "a tensor's type"):
        if part.number == 1:
            dtype = tensors.dtype(part.value)
        elif part.number == 2:
            dimensions = fields(reader, part.at, part.end, "a shape")
            shape = tuple(_dimension(reader, d) for d in dimensions if d.number == 1)
    return dtype, shape


def _dimension(reader: BoundedReader, item: ProtobufField) -> int | str | None:
    for part in fields(reader, item.at, item.end, "a dimension"):
        if part.number == 1:
            return part.signed if part.signed >= 0 else None
        if part.number == 2:
            return text(reader, part) or None
    return None
