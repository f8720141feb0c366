"""Runs inference: on zeros or sample data, to time it or to compare the outputs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from .adapters import RuntimeAdapter
from .comparison import Tally, worst
from .data import ArrayMismatch, SampleArrays, lengths
from .tensors import InferenceSkipped, RuntimeTensor

_MAX_RUNS = 100
_BATCH_SIZE = 32


def time_inference(
    runtime: RuntimeAdapter, data: SampleArrays, seconds: float
) -> tuple[float, float]:
    """The first and the median time of inference, in seconds, measured for about `seconds`.

    On one sample, or on the model's fixed batch size. Raises InferenceSkipped.
    """
    arrays = data.inputs_of(runtime)
    sample = next(batches(runtime.inputs, arrays, 1))[0] if arrays else _zeros(runtime)
    try:
        times = [_time(runtime, sample)]
        end = time.perf_counter() + seconds - times[0]
        while time.perf_counter() + times[-1] < end and len(times) <= _MAX_RUNS:
            times.append(_time(runtime, sample))
    except Exception as error:
        if arrays:
            raise
        message = " ".join(str(error).split())[:300] or type(error).__name__
        raise InferenceSkipped(f"{message.rstrip('.')}.") from error
    return times[0], median(times[1:] or times)


def compare(runtime: RuntimeAdapter, data: SampleArrays) -> dict[str, Any]:
    """How the outputs differ from the reference. Raises ArrayMismatch."""
    arrays = data.inputs_of(runtime)
    if not arrays:
        raise ArrayMismatch("There are reference outputs but no inputs for them.")
    try:
        return _compare(runtime, data, arrays, _BATCH_SIZE)
    except Exception:  # some models accept only single samples, and do not declare it
        return _compare(runtime, data, arrays, 1)


def _compare(
    runtime: RuntimeAdapter, data: SampleArrays, arrays: list[Any], most: int
) -> dict[str, Any]:
    expected: dict[int, Any] = {}
    tallies: dict[int, Tally] = {}
    start = 0
    for batch, count in batches(runtime.inputs, arrays, most):
        outputs = runtime.run(batch)
        expected = expected or data.reference_of(runtime.outputs, len(arrays[0]))
        for index, reference in expected.items():
            part = reference[start : start + count]
            output = _shaped(outputs[index], part)
            if output is None:
                tensor = runtime.outputs[index]
                raise ArrayMismatch(_shape_mismatch(tensor, outputs[index], reference))
            numbers = runtime.dequantized(index, output) if part.dtype.kind == "f" else output
            tallies.setdefault(index, Tally(runtime.numpy)).add(numbers, part)
        start += count
    return worst([tally.result() for tally in tallies.values()])


def batches(
    tensors: Sequence[RuntimeTensor], arrays: Sequence[Any], most: int
) -> Iterator[tuple[list[Any], int]]:
    """Batches of inputs, and the number of samples in each.

    For a model with a fixed batch size, the last sample is repeated to fill the last batch.
    """
    pairs = list(zip(tensors, arrays, strict=True))
    single = any(not tensor.accepts_batch(array.shape) for tensor, array in pairs)
    fixed = [tensor.shape[0] for tensor in tensors if tensor.shape and tensor.shape[0]]
    size = 1 if single else min(fixed, default=most)
    for start in range(0, len(arrays[0]), size):
        count = min(size, len(arrays[0]) - start)
        yield [_part(t, a, start, size if fixed else count) for t, a in pairs], count


def _part(tensor: RuntimeTensor, array: Any, start: int, size: int) -> Any:
    if not tensor.accepts_batch(array.shape):
        return array[start]
    last = len(array) - 1
    return array[[min(index, last) for index in range(start, start + size)]]


def _zeros(runtime: RuntimeAdapter) -> list[Any]:
    if not runtime.inputs:
        raise InferenceSkipped("the inputs are unknown.")
    if runtime.numpy is None:
        raise InferenceSkipped("the app has no numpy.")
    return [tensor.zeros(runtime.numpy) for tensor in runtime.inputs]


def _time(runtime: RuntimeAdapter, sample: list[Any]) -> float:
    begin = time.perf_counter()
    runtime.run(sample)
    return time.perf_counter() - begin


def _shaped(output: Any, reference: Any) -> Any:
    """The output in the reference's shape, without repeated samples; None if impossible."""
    if output.size != reference.size and output.ndim and len(output) > len(reference):
        output = output[: len(reference)]
    return output.reshape(reference.shape) if output.size == reference.size else None


def _shape_mismatch(tensor: RuntimeTensor, output: Any, reference: Any) -> str:
    return (
        f'output "{tensor.name}" has the shape {lengths(output.shape)}\n'
        f"for one sample; the reference has {lengths(reference.shape[1:])}"
    )
