"""TensorFlow Lite. Source: the schema, tensorflow/compiler/mlir/lite/schema/schema.fbs."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from slugfit.models.formats.flatbuffer import Flatbuffer, FlatbufferTable
from slugfit.models.formats.inspection import TITLES, Inspection, TensorSpec
from slugfit.models.formats.reader import BoundedReader, BrokenError, elements

_I8, _U8, _I32, _U32, _U64 = (struct.Struct(f"<{code}") for code in "bBiIQ")
_CUSTOM = 32
_TYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64"),
    *("int8", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16"),
    *("int4", "bfloat16", "int2", "uint4", "float8_e4m3fn", "float8_e5m2"),
)
# Slots of the fields that are read, by table.
_VERSION, _OPERATOR_CODES, _SUBGRAPHS, _DESCRIPTION, _BUFFERS = range(5)
_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS = range(4)
_SHAPE, _TYPE, _BUFFER, _NAME, _QUANTIZATION, _SIGNATURE = 0, 1, 2, 3, 4, 7
_DATA, _OFFSET, _SIZE = range(3)
_OLD_CODE, _CUSTOM_CODE, _, _CODE = range(4)
_OPCODE, _OP_INPUTS, _OP_OUTPUTS, _CUSTOM_OPTIONS = 0, 1, 2, 5
_FAR_OFFSET, _FAR_SIZE = 9, 10  # an operator's options when stored after the flatbuffer
_MIN, _MAX, _SCALE, _ZERO_POINT = range(4)


def recognises(reader: BoundedReader) -> bool:
    return reader.head[4:8] == b"TFL3"


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    model = Flatbuffer(reader).root()
    sizes = [_buffer_size(b) for b in model.tables(_BUFFERS, "the list of buffers")]
    codes = [_operator(c) for c in model.tables(_OPERATOR_CODES, "the list of operators")]
    graphs = [_Graph(g, sizes) for g in model.tables(_SUBGRAPHS, "the list of graphs")]
    if not graphs:
        raise BrokenError("it has no graph")
    for graph in graphs:
        graph.check_operators(len(codes))
    custom = sorted({name for code, name in codes if code == _CUSTOM})
    weights = {w[0]: w[1:] for graph in graphs for w in graph.weights}
    return Inspection(
        "tflite",
        TITLES["tflite"],
        parameters=sum(count for count, _ in weights.values()) or None,
        dtypes=tuple(sorted({dtype for _, dtype in weights.values()})),
        inputs=graphs[0].inputs,
        outputs=graphs[0].outputs,
        flex_ops=tuple(n.removeprefix("Flex") for n in custom if n.startswith("Flex")),
        custom_ops=tuple(n for n in custom if not n.startswith("Flex")),
        facts=tuple(_facts(model)),
    )


def _facts(model: FlatbufferTable) -> Iterable[tuple[str, str]]:
    yield "schema version", str(model.number(_VERSION, _U32))
    if description := model.string(_DESCRIPTION, "the description"):
        yield "made by", description


def _buffer_size(buffer: FlatbufferTable) -> int:
    """The size of one buffer. Models over 2 GiB store their buffers after the flatbuffer."""
    offset, size = buffer.number(_OFFSET, _U64), buffer.number(_SIZE, _U64)
    if offset > 1:
        buffer.flat.reader.need(offset, size, "a buffer of weights")
        return size
    return buffer.vector(_DATA, 1, "a buffer of weights")[1]


def _operator(code: FlatbufferTable) -> tuple[int, str]:
    """An operator's code, and its name if it is custom, else ""."""
    number = max(code.number(_OLD_CODE, _I8), code.number(_CODE, _I32))
    return number, code.string(_CUSTOM_CODE, "the name of an operator")


class _Graph:
    """A graph whose tensors have been read. `weights`: buffer, number of elements, dtype."""

    def __init__(self, table: FlatbufferTable, buffers: Sequence[int]) -> None:
        self._table = table
        self._specs: list[TensorSpec] = []
        self.weights: list[tuple[int, int, str]] = []
        for tensor in table.tables(_TENSORS, "the list of tensors"):
            self._take(tensor, buffers)
        self.inputs = self._named(_INPUTS, "the graph's inputs")
        self.outputs = self._named(_OUTPUTS, "the graph's outputs")

    def _take(self, tensor: FlatbufferTable, buffers: Sequence[int]) -> None:
        name = tensor.string(_NAME, "the name of a tensor")
        spec = TensorSpec(name, _dtype(tensor), _shape(tensor, name))
        buffer = tensor.number(_BUFFER, _U32)
        if buffer >= len(buffers):
            raise BrokenError(f'tensor "{name}" is in buffer {buffer} of {len(buffers)}')
        _check_quantization(tensor)
        self._specs.append(spec)
        if buffers[buffer]:
            what = f'tensor "{name}"'
            count = elements(tensor.integers(_SHAPE, what), what)
            self.weights.append((buffer, count, spec.dtype))

    def _named(self, slot: int, what: str) -> tuple[TensorSpec, ...]:
        indices = self._table.integers(slot, what)
        _check_indices(indices, len(self._specs), "tensor", least=0)
        return tuple(self._specs[index] for index in indices)

    def check_operators(self, codes: int) -> None:
        """Raise BrokenError when an operation refers to a missing tensor or operator."""
        for operator in self._table.tables(_OPERATORS, "the list of operations"):
            _check_indices([operator.number(_OPCODE, _U32)], codes, "operator", least=0)
            for slot in (_OP_INPUTS, _OP_OUTPUTS):
                used = operator.integers(slot, "the tensors of an operation")
                # -1 is an unused optional input.
                _check_indices(used, len(self._specs), "tensor", least=-1)
            operator.vector(_CUSTOM_OPTIONS, 1, "the options of an operation")
            far, size = operator.number(_FAR_OFFSET, _U64), operator.number(_FAR_SIZE, _U64)
            if far > 1:
                operator.flat.reader.need(far, size, "the options of an operation")


def _check_indices(indices: Iterable[int], count: int, what: str, *, least: int) -> None:
    for index in indices:
        if not least <= index < count:
            raise BrokenError(f"it uses {what} {index:,} of {count:,}")


def _dtype(tensor: FlatbufferTable) -> str:
    number = tensor.number(_TYPE, _U8)
    return _TYPES[number] if number < len(_TYPES) else f"type {number}"


def _shape(tensor: FlatbufferTable, name: str) -> tuple[int | None, ...]:
    """The shape; None where its signature has -1, for a dynamic dimension."""
    what = f'the shape of tensor "{name}"'
    shape = tensor.integers(_SIGNATURE, what) or tensor.integers(_SHAPE, what)
    return tuple(size if size >= 0 else None for size in shape)


def _check_quantization(tensor: FlatbufferTable) -> None:
    place = tensor.place(_QUANTIZATION)
    if place is None:
        return
    quantization = tensor.flat.table(place + tensor.flat.reader.u32(place))
    for slot, width in ((_MIN, 4), (_MAX, 4), (_SCALE, 4), (_ZERO_POINT, 8)):
        quantization.vector(slot, width, "the quantization of a tensor")
