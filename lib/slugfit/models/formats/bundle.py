"""TensorFlow's checkpoints: a table of tensors, and files with their data.

Source: tensorflow/core/protobuf/tensor_bundle.proto, and LevelDB's table_format.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slugfit.models.formats.protobuf import Field, fields, varint
from slugfit.models.formats.reader import BrokenError, Reader, cut, reading

_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48
_PLAIN = 0
_MOST_TENSORS = 1_000_000
# Fields of the header, whose key is empty, and of an entry.
_NUM_SHARDS = 1
_SHARD, _OFFSET, _SIZE = 3, 4, 5


def check(index: Path) -> None:
    """Raise BrokenError when data is missing of what the index of a checkpoint has."""
    shards = 1
    ends: dict[int, int] = {}
    with reading(index) as reader:
        for count, (key, content) in enumerate(_table(reader, index.name)):
            if count > _MOST_TENSORS:
                raise BrokenError(f"{index.name} has more than {_MOST_TENSORS:,} tensors")
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
        raise cut(f"{name}, of {size:,} bytes,", end)


def _table(reader: Reader, name: str) -> Iterator[tuple[bytes, Field]]:
    """Keys and contents of a table, as far as its blocks are not compressed."""
    if reader.size < _FOOTER or reader.peek(reader.size - 8, 8) != _MAGIC:
        raise BrokenError(f"the end of {name} is missing")
    end = reader.size - 8
    # The first two numbers are of another list, which is not used here.
    _, at = varint(reader, reader.size - _FOOTER, end, name)
    _, at = varint(reader, at, end, name)
    for _, place in _block(reader, *_handle(reader, at, end)):
        yield from _block(reader, *_handle(reader, place.at, place.end))


def _handle(reader: Reader, at: int, end: int) -> tuple[int, int]:
    """Where a block begins, and how long it is."""
    begin, at = varint(reader, at, end, "the index")
    return begin, varint(reader, at, end, "the index")[0]


def _block(reader: Reader, begin: int, size: int) -> Iterator[tuple[bytes, Field]]:
    """Keys and contents of one block: each key has a part in common with the one before."""
    reader.need(begin, size + 5, "a block of the index")
    if reader.u8(begin + size) != _PLAIN:
        return
    restarts = reader.u32(begin + size - 4)
    at, end = begin, begin + size - 4 - 4 * restarts
    key = b""
    while at < end:
        shared, at = varint(reader, at, end, "the index")
        own, at = varint(reader, at, end, "the index")
        length, at = varint(reader, at, end, "the index")
        if at + own + length > end:
            raise cut("an entry of the index", at + own + length)
        key = key[:shared] + reader.read(at, own)
        yield key, Field(0, 2, at + own, at + own + length)
        at += own + length
