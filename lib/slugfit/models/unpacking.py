"""An archive is fetched, and becomes a directory of files and a manifest of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from slugfit.files import naming_full_disk, sha256_of
from slugfit.models.archives import unpack
from slugfit.models.archives.failures import (
    ArchiveEncrypted,
    ArchiveExpands,
    ArchiveUnreadable,
    ArchiveUnsafe,
)
from slugfit.models.leftovers import forget
from slugfit.models.manifest import File, Manifest
from slugfit.models.transfer import Received, Transfer, Wanted, Watch


def fetch_unpacked(
    wanted: Wanted,
    part: Path,
    transfer: Transfer,
    watch: Watch,
    deliver: Callable[[Path, Manifest], None],
) -> Received | None:
    """Fetch an archive into `part`, and deliver a directory of its files, which is then removed.

    None when its ETag is still `unless_etag`. Raises the failures of the transfer and of `unpack`.
    """
    unpacked = part.with_name(f"{part.name}.unpacked")

    def unpack_and_deliver(archive: Path, sha256: str) -> None:
        deliver(unpacked, _unpack(archive, unpacked, wanted.source.display))

    try:
        return transfer.fetch(wanted, part, watch, unpack_and_deliver)
    except (ArchiveEncrypted, ArchiveExpands, ArchiveUnreadable, ArchiveUnsafe):
        forget(part)
        raise
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _unpack(archive: Path, directory: Path, display: str) -> Manifest:
    shutil.rmtree(directory, ignore_errors=True)  # left by a run that was killed
    with naming_full_disk(directory):
        directory.mkdir()
    paths = unpack(archive, directory, display)
    return Manifest.of(tuple(File(path, sha256_of(directory / path).hex()) for path in paths))
