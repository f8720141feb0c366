"""Real shared libraries and programs, compiled for a test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


def library(
    file: Path,
    source: str = "int answer(void) { return 42; }",
    *,
    soname: str | None = "",
    needs: Iterable[Path] = (),
    options: Iterable[str] = (),
) -> Path:
    """Compile a shared library. Its soname is its file name; None for a plugin, which has none."""
    named = [] if soname is None else [f"-Wl,-soname,{soname or file.name}"]
    linked = ["-Wl,--no-as-needed", *map(str, needs)]
    return _compile(file, source, ["-shared", "-fPIC", *named, *linked, *options])


def module(file: Path, source: str = "", *, needs: Iterable[Path] = ()) -> Path:
    """Compile what looks like an extension module, with the entrance that Python asks for."""
    name = file.name.partition(".")[0]
    entrance = f"void *PyInit_{name}(void) {{ return 0; }}\n"
    return library(file, entrance + source, soname=None, needs=needs)


def program(file: Path, source: str, *, needs: Iterable[Path] = ()) -> Path:
    return _compile(file, source, ["-Wl,--no-as-needed", *map(str, needs)])


def _compile(file: Path, source: str, options: list[str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    command = ["cc", "-O2", "-x", "c", "-", "-o", str(file), "-x", "none", *options]
    subprocess.run(command, input=source, text=True, check=True)
    return file
