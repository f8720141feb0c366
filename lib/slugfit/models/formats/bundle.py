"""TensorFlow checkpoints: an index of tensors, and data files (shards).

Source: tensorflow/core/protobuf/tensor_bundle.proto, and LevelDB's table_format.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slugfit.models.formats.protobuf import ProtobufField, fields, varint
from slugfit.models.formats.reader import BoundedReader, BrokenError, reading, truncated

_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48
_UNCOMPRESSED = 0
_MAX_TENSORS = 1_000_000
# Fields of the header (the entry with an empty key), and of other entries.
_NUM_SHARDS = 1
_SHARD, _OFFSET, _SIZE = 3, 4, 5


def check(index: Path) -> None:
    """Raise BrokenError when data that a checkpoint's index lists is missing."""
    shards = 1
    ends: dict[int, int] = {}
    with reading(index) as reader:
        for count, (key, content) in enumerate(_table(reader, index.name)):
            if count > _MAX_TENSORS:
                raise BrokenError(f"{index.name} has more than {_MAX_TENSORS:,} tensors")
            items = fields(reader, content.at, content.end, index.name)
            values = {item.number: item.value for item in items}
            if key:
                shard, end = values.get(_SHARD, 0), values.get(_OFFSET, 0) + values.get(_SIZE, 0)
                ends[shard] = max(end, ends.get(shard, 0))
            else:
                shards = values.get(_NUM_SHARDS, 1)
    for shard, end in sorted(ends.items()):
        _check_shard(index.with_name(f"{index.stem}.data-{shard:05}-of-{shards:05}"), end)


def _check_shard(path: Path, end: int) -> None:
    name = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise BrokenError(f"{name} is missing")
    size = path.stat().st_size
    if size < end:
        raise truncated(f"{name}, of {size:,} bytes,", end)


def _table(reader: BoundedReader, name: str) -> Iterator[tuple[bytes, ProtobufField]]:
    """Keys and contents of a table's uncompressed blocks; compressed ones are skipped."""
    if reader.size < _FOOTER or reader.peek(reader.size - 8, 8) != _MAGIC:
        raise BrokenError(f"{name} is truncated")
    end = reader.size - 8
    # The first two numbers point to the metaindex, which is not needed here.
    _, at = varint(reader, reader.size - _FOOTER, end, name)
    _, at = varint(reader, at, end, name)
    for _, place in _block(reader, *_handle(reader, at, end)):
        yield from _block(reader, *_handle(reader, place.at, place.end))


def _handle(reader: BoundedReader, at: int, end: int) -> tuple[int, int]:
    """A block's offset and size in bytes."""
    begin, at = varint(reader, at, end, "the index")
    return begin, varint(reader, at, end, "the index")[0]


def _block(reader: BoundedReader, begin: int, size: int) -> Iterator[tuple[bytes, ProtobufField]]:
    """Keys and contents of one block. Keys are prefix-compressed against the key before."""
    reader.need(begin, size + 5, "a block of the index")
    if reader.u8(begin + size) != _UNCOMPRESSED:
        return
    restarts = reader.u32(begin + size - 4)
    at, end = begin, begin + size - 4 - 4 * restarts
    key = b""
    while at < end:
        shared, at = varint(reader, at, end, "the index")
        own, at = varint(reader, at, end, "the index")
        length, at = varint(reader, at, end, "the index")
        if at + own + length > end:
            raise truncated("an entry of the index", at + own + length)
        key = key[:shared] + reader.read(at, own)
        yield key, ProtobufField(0, 2, at + own, at + own + length)
        at += own + length
