"""What the models will weigh: the size of their source, how well it compresses, what it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slugfit.base.errors import Failure
from slugfit.base.sizes import format_size
from slugfit.fetch.clients import open_source
from slugfit.fetch.directory import WantedDirectory
from slugfit.fetch.transfer.transfer import Transfer
from slugfit.settings.model import ModelSettings, Quantize, Settings
from slugfit.slug.weigh.compress import Weight, compressed_size
from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.location import StoreLocation

_SAMPLE_BYTES = 2 * 1024 * 1024
_PIECE_BYTES = 256 * 1024
# Of a converted model's size: 32 bits a weight become so many.
_CONVERTED: dict[Quantize, float] = {"none": 1.0, "float16": 0.5, "dynamic": 0.25, "int8": 0.25}
_USUALLY = 0.93  # of a file of weights of which nothing was read
_UNPACKED = 1.1  # weights hardly compress, in an archive either


@dataclass(frozen=True)
class ModelSize:
    """A model's weight; without one, or where it is rough, `why` tells."""

    path: str
    weight: Weight | None
    why: str = ""


def sizes_of_models(settings: Settings, transfer: Transfer) -> Iterator[ModelSize]:
    """Those that come from a store, in the order of the configuration. Raises nothing."""
    for model in settings.models:
        if isinstance(model.source, StoreLocation):
            yield _size_of(model, settings, transfer)


def becomes(model: ModelSettings, stored: Weight) -> ModelSize:
    """The weight of a model whose source has the weight `stored`."""
    size = format_size(stored.raw)
    if model.unpack:
        weight = Weight(round(stored.raw * _UNPACKED), stored.raw)
        estimate = f"unpacked: {format_size(weight.raw)} are estimated"
        return ModelSize(model.path, weight, f"{estimate} from the archive's {size}")
    if model.convert:
        part = _CONVERTED[model.convert.quantize]
        weight = Weight(round(stored.raw * part), round(stored.compressed * part))
        done = f"converted to {model.convert.to} ({model.convert.quantize})"
        estimate = f"{done}: {format_size(weight.raw)} are estimated"
        return ModelSize(model.path, weight, f"{estimate} from the source's {size}")
    return ModelSize(model.path, stored)


def _size_of(model: ModelSettings, settings: Settings, transfer: Transfer) -> ModelSize:
    try:
        size, ratio = _ask(model, open_source(model, settings), transfer)
    except Failure as failure:
        return ModelSize(model.path, None, str(failure))
    if size is None:
        return ModelSize(model.path, None, "its store does not report a size")
    return becomes(model, Weight(size, round(size * ratio)))


def _ask(
    model: ModelSettings, source: StoreObject | StoreDirectory, transfer: Transfer
) -> tuple[int | None, float]:
    """The bytes of an object, or of all in a directory, and the part of them that gzip leaves."""
    if isinstance(source, StoreDirectory):
        wanted = WantedDirectory(source, model.include, model.exclude)
        entries = transfer.retrying(source.url, wanted.entries)
        sizes = [entry.version.size for entry in entries]
        return (None if None in sizes else sum(filter(None, sizes))), _USUALLY
    return transfer.retrying(source.url, _sampling(source))


def _sampling(source: StoreObject) -> Callable[[], tuple[int | None, float]]:
    def sample() -> tuple[int | None, float]:
        with source.open() as answer:
            assert answer is not None  # noqa: S101 (no ETag was excluded)
            taken = bytearray()
            while len(taken) < _SAMPLE_BYTES and (piece := answer.body.read(_PIECE_BYTES)):
                taken += piece
            return answer.version.size, min(
                1.0, compressed_size([bytes(taken)]) / max(1, len(taken))
            )

    return sample
