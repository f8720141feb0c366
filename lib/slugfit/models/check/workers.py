"""Which dynos a model fits, and with how many gunicorn workers.

A dyno has to hold gunicorn's own process and its workers. A worker's memory is the sum of the bare
interpreter, the web framework, each runtime and each model: peak RSS, in full for each worker,
without the pages that `--preload` lets them share.
"""

from __future__ import annotations

from collections.abc import Iterable

from slugfit.base.heroku import DYNO_MEMORY
from slugfit.base.sizes import MB
from slugfit.models.check import LoadReport

# Measured with gunicorn 27 and Flask 3.1 on CPython 3.11.
GUNICORN_BYTES = 27 * MB
FRAMEWORK_BYTES = 20 * MB  # in a worker, beyond the bare interpreter
_ENOUGH_WORKERS = 8  # larger dynos are then of no interest


def worker_bytes(reports: Iterable[LoadReport]) -> int:
    """The RSS of one worker with all of these models, without those that the app can't load."""
    own = [report for report in reports if not report.isolated]
    python = max((report.python_bytes for report in own), default=0)
    runtimes = {report.runtime: report.runtime_bytes for report in own}
    models = sum(report.peak_bytes for report in own)
    return python + FRAMEWORK_BYTES + sum(runtimes.values()) + models


def workers(worker: int, dyno: int) -> int:
    """How many workers of `worker` bytes fit a dyno of `dyno` bytes."""
    return max(dyno - GUNICORN_BYTES, 0) // worker


def workers_by_dyno(reports: Iterable[LoadReport]) -> list[tuple[str, int]]:
    """Dyno names and the workers that fit, from the smallest dyno that fits any.

    At least two dynos, as far as there are, and up to the first with room for eight workers.
    """
    worker = worker_bytes(reports)
    found = [(name, workers(worker, size)) for name, size in DYNO_MEMORY.items()]
    found = [(name, count) for name, count in found if count]
    enough = [at for at, (_, count) in enumerate(found) if count >= _ENOUGH_WORKERS]
    return found[: max(enough[0] + 1 if enough else len(found), 2)]
