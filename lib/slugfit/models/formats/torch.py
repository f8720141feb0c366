"""PyTorch zips: TorchScript programs, exported graphs, and checkpoints (pickle and tensors)."""

from __future__ import annotations

import re
from collections.abc import Collection

from slugfit.models.formats import zip_directory
from slugfit.models.formats.inspection import TITLES, FormatName, Inspection
from slugfit.models.formats.reader import BoundedReader

_EXPORTS = {"archive_format", "serialized_exported_program.json"}
_PROGRAMS = {"constants.pkl", "bytecode.pkl"}
_MEMBER = re.compile(rf"(?:[^/]+/)?(?:data\.pkl|{'|'.join(sorted(_EXPORTS))})")
_FIRST = re.compile(rf"{_MEMBER.pattern}|[^/]+/data/(?:\d+|weights/weight_\d+|aotinductor/.+)")
_TENSOR = re.compile(r"(?:^|/)(?:data/|data/weights/weight_|data/constants/tensor_)\d+$")
# torch.export.load unpickles example inputs, and constants that it can't load otherwise.
_CODE = {"torchscript": "", "torch-export": "a pickle in it", "torch-checkpoint": "a pickle"}


def recognises(reader: BoundedReader) -> bool:
    """True also for a zip without its directory, judged by the first member."""
    names, is_whole = zip_directory.names(reader)
    return any((_MEMBER if is_whole else _FIRST).fullmatch(name) for name in names)


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    members = zip_directory.members(reader)
    kind = _kind(members)
    tensors = sum(_TENSOR.search(name) is not None for name in members)
    return Inspection(
        kind,
        TITLES[kind],
        code=_CODE[kind],
        facts=(("tensors", f"{tensors:,}"),) if tensors else (),
    )


def _kind(members: Collection[str]) -> FormatName:
    last = {_last(name) for name in members}
    if last & _EXPORTS:
        return "torch-export"
    if last & _PROGRAMS or any("/code/" in name for name in members):
        return "torchscript"
    return "torch-checkpoint"


def _last(name: str) -> str:
    return name.rpartition("/")[2]
