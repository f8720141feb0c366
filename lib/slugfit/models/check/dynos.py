"""On which dynos a model fits, and how many gunicorn workers with it.

A dyno's memory is that of gunicorn's own process, and of its workers. A worker takes what the bare
interpreter, the web framework, each runtime and each model take; all of that is resident memory, at
its peak, and each worker counts in full: what `--preload` lets them share is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from slugfit.models.check import LoadReport
from slugfit.sizes import format_size

_MB = 1_000_000
_DYNOS = (
    ("Eco, Basic, Standard-1X", 512 * _MB),
    ("Standard-2X", 1_000 * _MB),
    ("Performance-M", 2_500 * _MB),
    ("Performance-L", 14_000 * _MB),
    ("Performance-L-RAM", 30_000 * _MB),
    ("Performance-XL", 62_000 * _MB),
    ("Performance-2XL", 126_000 * _MB),
)
# Measured with gunicorn 27 and Flask 3.1 on CPython 3.11.
GUNICORN_BYTES = 27 * _MB
FRAMEWORK_BYTES = 20 * _MB  # in a worker, beyond the bare interpreter
_ENOUGH_WORKERS = 8  # larger dynos are then of no interest


def worker_bytes(reports: Iterable[LoadReport]) -> int:
    """What a worker takes that has all of these models; those that the app can't load apart."""
    own = [report for report in reports if not report.isolated]
    python = max((report.python_bytes for report in own), default=0)
    runtimes = {report.runtime: report.runtime_bytes for report in own}
    models = sum(report.peak_bytes for report in own)
    return python + FRAMEWORK_BYTES + sum(runtimes.values()) + models


def workers(worker: int, dyno: int) -> int:
    """How many workers of this size a dyno of this size has room for."""
    return max(dyno - GUNICORN_BYTES, 0) // worker


def fits(reports: Iterable[LoadReport]) -> tuple[str, ...]:
    """Lines for the log; none when there is no model that the app loads."""
    own = [report for report in reports if not report.isolated]
    if not own:
        return ()
    worker = worker_bytes(own)
    found = [(name, workers(worker, size)) for name, size in _DYNOS]
    found = [(name, count) for name, count in found if count]
    # Up to the first that is large enough: the others are, too.
    enough = [at for at, (_, count) in enumerate(found) if count >= _ENOUGH_WORKERS]
    shown = found[: max(enough[0] + 1 if enough else len(found), 2)]
    models = "the model" if len(own) == 1 else f"the {len(own)} models"
    first = f"A gunicorn worker with {models} takes about {format_size(worker)}"
    if not shown:
        return (f"{first}: more than any dyno has",)
    return (f"{first}. Workers that fit:", *_lines(shown))


def _lines(shown: list[tuple[str, int]]) -> tuple[str, ...]:
    return ("; ".join(f"{name}: {count}" for name, count in shown),)
