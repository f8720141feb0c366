"""Which bytecode a slug needs: what the app was observed to read at start.

Bytecode needs no proof: its source stays beside it, and Python compiles that again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from slugfit.packages.distributions import source_of

DROPPED = "bytecode"
NOT_AT_BOOT = "bytecode not needed at boot"
_SITECUSTOMIZE = Path(__file__).with_name("observer")


class Observer:
    """Records the bytecode that Python processes read in the environment that it provides."""

    def __init__(self, directory: Path) -> None:
        self._notes = directory / "observed"
        self._notes.touch()

    def watch(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment `env`, with the observer in it."""
        paths = filter(None, (str(_SITECUSTOMIZE), env.get("PYTHONPATH")))
        return {
            **env,
            "PYTHONPATH": os.pathsep.join(paths),
            "SLUGFIT_OBSERVED": str(self._notes),
        }

    def heard(self, site: Path) -> frozenset[str]:
        """The bytecode in `site` that was read, relative to it."""
        lines = self._notes.read_bytes().split(b"\n")
        return frozenset(_below(site, (os.fsdecode(line) for line in lines if line)))


@contextmanager
def observing() -> Iterator[Observer]:
    """An observer, with a directory for as long as it is used."""
    with tempfile.TemporaryDirectory(prefix="slugfit-") as temporary:
        yield Observer(Path(temporary))


def dispensable(
    files: Collection[str], needed: Collection[str], is_kept: Callable[[str], bool]
) -> list[str]:
    """The bytecode among `files` that has its source beside it, and is neither needed nor kept.

    Without a source, it is all there is of a module.
    """
    there = frozenset(files)
    return [
        path
        for path in files
        if source_of(path) in there and path not in needed and not is_kept(path)
    ]


def _below(site: Path, paths: Iterable[str]) -> Iterator[str]:
    """Those in `site`, relative to it, resolving links."""
    real: dict[str, str] = {}
    root = os.path.realpath(site) + os.sep
    for path in paths:
        directory, name = os.path.split(path)
        if directory not in real:
            real[directory] = os.path.realpath(directory)
        whole = os.path.join(real[directory], name)
        if whole.startswith(root):
            yield whole[len(root) :]
