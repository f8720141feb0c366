"""Has a model answer: on zeros or given samples, in time or beside what was expected."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from .comparison import Tally, worst
from .data import Data, Unfit, lengths
from .runtimes import Runtime
from .tensors import NotTried, Tensor

_MOST_RUNS = 100
_SAMPLES_TOGETHER = 32


def time_answers(runtime: Runtime, data: Data, seconds: float) -> tuple[float, float]:
    """Seconds of the first answer, and of a usual one, found in about `seconds`. Raises NotTried.

    One answer is to one sample, or as many as the model takes at once.
    """
    arrays = data.inputs_of(runtime)
    sample = next(batches(runtime.inputs, arrays, 1))[0] if arrays else _zeros(runtime)
    try:
        times = [_time(runtime, sample)]
        end = time.perf_counter() + seconds - times[0]
        while time.perf_counter() + times[-1] < end and len(times) <= _MOST_RUNS:
            times.append(_time(runtime, sample))
    except Exception as error:
        if arrays:
            raise
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise NotTried(f"{said.rstrip('.')}.") from error
    return times[0], median(times[1:] or times)


def compare(runtime: Runtime, data: Data) -> dict[str, Any]:
    """How the answers differ from what was expected. Raises Unfit."""
    arrays = data.inputs_of(runtime)
    if not arrays:
        raise Unfit("There are expected outputs, and no inputs that they belong to.")
    try:
        return _compare(runtime, data, arrays, _SAMPLES_TOGETHER)
    except Exception:  # some models take only one sample at once, and do not say so
        return _compare(runtime, data, arrays, 1)


def _compare(runtime: Runtime, data: Data, arrays: list[Any], most: int) -> dict[str, Any]:
    expected: dict[int, Any] = {}
    tallies: dict[int, Tally] = {}
    start = 0
    for batch, count in batches(runtime.inputs, arrays, most):
        answers = runtime.run(batch)
        expected = expected or data.reference_of(runtime.outputs, len(arrays[0]))
        for index, reference in expected.items():
            wanted = reference[start : start + count]
            answer = _shaped(answers[index], wanted)
            if answer is None:
                raise Unfit(_odd_shape(runtime.outputs[index], answers[index], reference))
            real = runtime.real(index, answer) if wanted.dtype.kind == "f" else answer
            tallies.setdefault(index, Tally(runtime.numpy)).add(real, wanted)
        start += count
    return worst([tally.result() for tally in tallies.values()])


def batches(
    tensors: Sequence[Tensor], arrays: Sequence[Any], most: int
) -> Iterator[tuple[list[Any], int]]:
    """What to give to the model, time after time, and how many samples that is.

    A model of a fixed number of samples gets the last one more often, if need be.
    """
    pairs = list(zip(tensors, arrays, strict=True))
    single = any(not tensor.takes_many(array.shape) for tensor, array in pairs)
    fixed = [tensor.shape[0] for tensor in tensors if tensor.shape and tensor.shape[0]]
    size = 1 if single else min(fixed, default=most)
    for start in range(0, len(arrays[0]), size):
        count = min(size, len(arrays[0]) - start)
        yield [_part(t, a, start, size if fixed else count) for t, a in pairs], count


def _part(tensor: Tensor, array: Any, start: int, size: int) -> Any:
    if not tensor.takes_many(array.shape):
        return array[start]
    last = len(array) - 1
    return array[[min(index, last) for index in range(start, start + size)]]


def _zeros(runtime: Runtime) -> list[Any]:
    if not runtime.inputs:
        raise NotTried("nothing tells what it takes.")
    if runtime.numpy is None:
        raise NotTried("the app has no numpy.")
    return [tensor.zeros(runtime.numpy) for tensor in runtime.inputs]


def _time(runtime: Runtime, sample: list[Any]) -> float:
    begin = time.perf_counter()
    runtime.run(sample)
    return time.perf_counter() - begin


def _shaped(answer: Any, wanted: Any) -> Any:
    """The answer in the shape of what is wanted, without those to repeated samples."""
    if answer.size != wanted.size and answer.ndim and len(answer) > len(wanted):
        answer = answer[: len(wanted)]
    return answer.reshape(wanted.shape) if answer.size == wanted.size else None


def _odd_shape(tensor: Tensor, answer: Any, reference: Any) -> str:
    return (
        f'output "{tensor.name}" has the shape {lengths(answer.shape)}\n'
        f"for one sample, and is expected to have {lengths(reference.shape[1:])}"
    )
