"""A function of every source, in several processes where the sources are many."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from slugfit.strip.site_tree import SourceFile

_PROCESSES = 2  # a build dyno may have more processors, but not the memory for them
_WORTH_PROCESSES = 300  # sources, from which on starting processes pays
_PER_TASK = 50

Result = TypeVar("Result")
_functions: list[Callable[[SourceFile], Any]] = []  # the one that a process was started for


def for_each(
    function: Callable[[SourceFile], Result], sources: Sequence[SourceFile]
) -> Iterator[Result]:
    """The answers of `function`, in the order of `sources`.

    `function` is copied by the fork, and only its results come back.
    """
    if len(sources) < _WORTH_PROCESSES:
        yield from map(function, sources)
        return
    with ProcessPoolExecutor(_PROCESSES, get_context("fork"), _begin, (function,)) as pool:
        yield from pool.map(_answer, sources, chunksize=_PER_TASK)


def _begin(function: Callable[[SourceFile], Any]) -> None:
    gc.disable()  # syntax trees have no cycles, and looking for them takes a third of the time
    _functions.append(function)


def _answer(source: SourceFile) -> Any:
    return _functions[0](source)
