"""A Python that can be copied anywhere, as heroku/python downloads it: made from an installed one.

Prepared once into a cache that all builds share, then copied into each.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slugfit.local.python_discovery import InstalledPython

# Part of the cached tree's name: raise it when the tree is made differently.
RECIPE = 2

# What heroku/python's archives leave out of the standard library.
NOT_SHIPPED = shutil.ignore_patterns(
    "__pycache__",
    "config-*",
    "dist-packages",
    "EXTERNALLY-MANAGED",
    "idlelib",
    "*.a",
    "site-packages",
    "sitecustomize.py",
    "test",
    "tests",
    "turtledemo",
)
DEBIAN_QUESTION = b'sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix")'


class IncompletePythonError(Exception):
    """The installed Python lacks a part that every Python on Heroku has."""


@dataclass(frozen=True)
class PythonTree:
    """A relocatable tree: bin, lib, include, and an empty site-packages."""

    path: Path
    version: str


def prepare(interpreter: InstalledPython, cache: Path) -> PythonTree:
    """Return the relocatable copy of a Python from `cache`, made now if it is not there yet.

    Raises IncompletePythonError.
    """
    path = cache / _tree_name(interpreter)
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(f"{path.name}.lock")):
        if not path.exists():
            _make_at(interpreter, path)
    return PythonTree(path, interpreter.version)


def _tree_name(interpreter: InstalledPython) -> str:
    # Two installations of one version differ: a distribution's own, pyenv's.
    origin = hashlib.sha256(f"{RECIPE} {interpreter.prefix}".encode()).hexdigest()[:8]
    return f"cpython-{interpreter.version}-{origin}"


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep builds that run at the same time from making the same tree."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_at(interpreter: InstalledPython, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        tree = Path(folder, "tree")
        _copy_programs(interpreter, tree)
        _copy_libraries(interpreter, tree)
        _copy_bundled_wheels(interpreter, tree)
        _undo_distribution_patches(interpreter, tree)
        _strip_symbols(tree)
        _compile_bytecode(interpreter, tree)
        tree.rename(path)


def _copy_programs(interpreter: InstalledPython, tree: Path) -> None:
    (tree / "bin").mkdir(parents=True)
    name = f"python{interpreter.series}"
    program = tree / "bin" / name
    shutil.copyfile(interpreter.executable, program)
    program.chmod(0o755)
    if interpreter.shared:
        _forget_library_path(interpreter, program)
    for link in ("python3", "python"):
        (tree / "bin" / link).symlink_to(name)


def _forget_library_path(interpreter: InstalledPython, program: Path) -> None:
    """Blank the RUNPATH: else the copy would load the installed Python's library.

    What is left needs LD_LIBRARY_PATH, which heroku/python sets.
    """
    path = os.fsencode(interpreter.libdir)
    _replace(program, b"\0" + path + b"\0", b"\0" * (len(path) + 2))


def _copy_libraries(interpreter: InstalledPython, tree: Path) -> None:
    library = tree / "lib" / f"python{interpreter.series}"
    shutil.copytree(interpreter.stdlib, library, ignore=NOT_SHIPPED, ignore_dangling_symlinks=True)
    (library / "site-packages").mkdir()
    if interpreter.shared:
        for file in sorted(interpreter.libdir.glob("libpython3*.so*")):
            shutil.copy2(file, tree / "lib" / file.name, follow_symlinks=False)
    modules = interpreter.platstdlib / "lib-dynload"
    if not (library / "lib-dynload").exists():
        shutil.copytree(modules, library / "lib-dynload", ignore=NOT_SHIPPED)
    if interpreter.include.is_dir():
        shutil.copytree(interpreter.include, tree / "include" / interpreter.include.name)


def _copy_bundled_wheels(interpreter: InstalledPython, tree: Path) -> None:
    """See to it that pip's wheel is where every CPython of python.org has it."""
    bundled = tree / "lib" / f"python{interpreter.series}" / "ensurepip" / "_bundled"
    if not bundled.parent.is_dir():
        raise IncompletePythonError(
            f"{interpreter.executable} has no ensurepip: install the package "
            f"python{interpreter.series}-venv of your distribution"
        )
    if interpreter.wheels is not None:
        bundled.mkdir(exist_ok=True)
        for wheel in sorted(interpreter.wheels.glob("pip-*.whl")):
            shutil.copy2(wheel, bundled)


def _undo_distribution_patches(interpreter: InstalledPython, tree: Path) -> None:
    """Make a Debian or Ubuntu Python use lib/pythonX.Y/site-packages, as python.org's does.

    Theirs do so in virtual environments, and ask this question in both modules to find out.
    """
    library = tree / "lib" / f"python{interpreter.series}"
    for module in (library / "site.py", _sysconfig_source(library)):
        _replace(module, DEBIAN_QUESTION, b"True")
    # From Python 3.11 on, the `site` that counts is the one frozen into the program.
    for program in [*(tree / "bin").iterdir(), *(tree / "lib").glob("libpython*.so.*")]:
        _replace(program, b"dist-packages", b"site-packages")


def _replace(file: Path, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    if old in content and not file.is_symlink():
        file.write_bytes(content.replace(old, new))


def _sysconfig_source(library: Path) -> Path:
    # A package since Python 3.14, a module before.
    package = library / "sysconfig" / "__init__.py"
    return package if package.exists() else library / "sysconfig.py"


def _strip_symbols(tree: Path) -> None:
    """Remove debug symbols, which heroku/python's archives do not have, where binutils is here."""
    if shutil.which("strip") is None:
        return
    libraries = [path for path in sorted(tree.rglob("*.so*")) if not path.is_symlink()]
    subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)


def _compile_bytecode(interpreter: InstalledPython, tree: Path) -> None:
    """Compile the standard library as heroku/python's archives have it: unchecked hashes."""
    library = tree / "lib" / f"python{interpreter.series}"
    command: list[str | Path] = [tree / "bin" / "python", "-I", "-m", "compileall", "-q"]
    # Without the option `-s` the .pyc files would name the temporary directory in tracebacks.
    options: list[str | Path] = ["--invalidation-mode", "unchecked-hash", "-s", tree]
    environment = {"LD_LIBRARY_PATH": str(tree / "lib")}
    subprocess.run([*command, *options, library], check=True, env=environment)
