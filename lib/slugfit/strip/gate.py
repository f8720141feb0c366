"""Imports packages in fresh processes, as the app would."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slugfit.process import run

_SECONDS = 120.0
_IMPORT = "import importlib, sys; importlib.import_module(sys.argv[1])"


class ImportGate:
    """The app's Python, and the environment that its packages are tried in."""

    def __init__(self, python: Path, env: Mapping[str, str]) -> None:
        self._python = python
        self._env = env

    def failures(self, names: Iterable[str]) -> dict[str, str]:
        """The packages that do not import, each with the last line that Python said."""
        ordered = sorted(names)
        # As many at a time as there are processors, within a build dyno's memory.
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
            results = list(pool.map(self._try, ordered))
        return {name: said for name, said in zip(ordered, results, strict=True) if said is not None}

    def _try(self, name: str) -> str | None:
        # A home of its own: some packages write caches there when they are imported.
        with tempfile.TemporaryDirectory(prefix="slugfit-") as home:
            # No bytecode: it would land in the slug.
            argv = [str(self._python), "-B", "-c", _IMPORT, name]
            env = {**self._env, "HOME": home, "PYTHONNOUSERSITE": "1"}
            finished = run(argv, env=env, cwd=Path(home), seconds=_SECONDS)
        return None if finished.ok else finished.said or "no message"


def package_to_import(root: Path, path: str) -> str | None:
    """The outermost regular package that `path` is in; None when there is none."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        directory = parts[:depth]
        if not all(part.isidentifier() for part in directory):
            return None
        if root.joinpath(*directory, "__init__.py").is_file():
            return ".".join(directory)
    return None
