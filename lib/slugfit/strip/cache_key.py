"""What a strip depends on, as one hash: the same hash, the same decisions.

Every file's content counts but that of bytecode, which is only ever kept or removed by its name.
Hashing a tree takes a hundredth of the time that judging it takes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slugfit.base.files import sha256_of
from slugfit.strip.site_tree import SiteTree

_ENGINE = ("strip", "packages", "base")  # globs are read in base, RECORDs in packages
_LARGE_BYTES = 10_000_000
_BATCH = 256  # files a task: a task for each would cost more than the hash


def tree_fingerprint(tree: SiteTree, *given: str) -> str:
    """The hash of the tree's names and contents, of `given`, and of the engine itself."""
    digest = hashlib.sha256("\0".join((_engine(), tree.soabi, *given)).encode())
    batches = [tree.files[at : at + _BATCH] for at in range(0, len(tree.files), _BATCH)]
    # hashlib works outside the interpreter lock.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        for part in pool.map(lambda paths: _digest_of(tree.root, paths), batches):
            digest.update(part)
    return digest.hexdigest()


def app_fingerprint(app: Path | None) -> str:
    """The hash of an app's own files, hidden ones apart: of each its name, and its content.

    Of a large one the size has to do: it is a model, and in the slug by its own checksum.
    """
    digest = hashlib.sha256()
    for directory, subdirectories, names in os.walk(app or os.devnull):
        subdirectories[:] = sorted(s for s in subdirectories if not s.startswith("."))
        for name in sorted(names):
            file = os.path.join(directory, name)
            large = os.path.isfile(file) and os.path.getsize(file) > _LARGE_BYTES
            content = str(os.path.getsize(file)).encode() if large else _content(file)
            digest.update(os.fsencode(os.path.relpath(file, app)) + b"\0" + content)
    return digest.hexdigest()


def _engine() -> str:
    """The hash of the code that decides: decisions of another engine are not reused."""
    lib = Path(__file__).parents[1]
    files = (file for room in _ENGINE for file in sorted((lib / room).rglob("*")))
    own = (file for file in files if file.suffix in (".py", ".toml"))
    return hashlib.sha256(b"".join(map(sha256_of, own))).hexdigest()


def _digest_of(root: Path, paths: Iterable[str]) -> bytes:
    digest = hashlib.sha256()
    prefix = f"{root}/"
    for path in paths:
        content = b"" if path.endswith(".pyc") else _content(prefix + path)
        digest.update(os.fsencode(path) + b"\0" + content)
    return digest.digest()


def _content(file: str) -> bytes:
    """A hash of a file's content, or of where a symbolic link leads, if either can be read."""
    try:
        if os.path.islink(file):
            return b"link" + os.fsencode(os.readlink(file)) + b"\0"
        return sha256_of(Path(file))
    except OSError:
        return b"none"
