"""Which bytecode a slug needs: what an app's start reads, as it was seen to do.

Bytecode is never proved: its source stays beside it, and Python compiles that again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from slugfit.distributions import source_of
from slugfit.strip.tree import Tree

DROPPED = "bytecode"
NOT_AT_BOOT = "bytecode not needed at boot"
_SITECUSTOMIZE = Path(__file__).with_name("observer")


class Observer:
    """Hears of the bytecode that Pythons read, if they run in the environment that it gives."""

    def __init__(self, directory: Path) -> None:
        self._notes = directory / "observed"
        self._notes.touch()

    def watch(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment `env`, watched."""
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
    """An observer, for as long as there is something to hear."""
    with tempfile.TemporaryDirectory(prefix="slugfit-") as temporary:
        yield Observer(Path(temporary))


def dispensable(tree: Tree, needed: Collection[str], is_kept: Callable[[str], bool]) -> list[str]:
    """The bytecode in `tree` that has its source beside it, and is neither needed nor kept.

    Without a source, it is all there is of a module.
    """
    files = frozenset(tree.files)
    return [
        path
        for path in tree.files
        if source_of(path) in files and path not in needed and not is_kept(path)
    ]


def _below(site: Path, paths: Iterable[str]) -> Iterator[str]:
    """Those in `site`, relative to it, whichever way they lead there."""
    real: dict[str, str] = {}
    root = os.path.realpath(site) + os.sep
    for path in paths:
        directory, name = os.path.split(path)
        if directory not in real:
            real[directory] = os.path.realpath(directory)
        whole = os.path.join(real[directory], name)
        if whole.startswith(root):
            yield whole[len(root) :]
