"""Imported by every Python that finds it on its path, before all else: notes what it reads.

$SLUGFIT_OBSERVED is a file, to which the path of each bytecode file is added when it is opened.
It is written at once: a server's workers do not end as a program should, or never.
(`-X importtime` knows nothing of what importlib.import_module imports.)
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from typing import Any

_TARGET = os.environ.get("SLUGFIT_OBSERVED", "")


def _note(path: str) -> None:
    descriptor = os.open(_TARGET, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, os.fsencode(f"{path}\n"))
    os.close(descriptor)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    path = arguments[0] if event == "open" else None
    if isinstance(path, str) and path.endswith(".pyc"):
        with suppress(OSError):  # the trial is over, and its directory gone
            _note(path)


def _give_way() -> None:
    """Import the sitecustomize that this one hides, if there is one."""
    own = sys.modules.pop("sitecustomize")
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", own)


if os.path.exists(_TARGET):
    for _module in list(sys.modules.values()):  # what *.pth files have imported before
        _cached = getattr(getattr(_module, "__spec__", None), "cached", None)
        if isinstance(_cached, str):
            _note(_cached)
    sys.addaudithook(_hear)
_give_way()
