"""The slug: a gzip-compressed tar of `./app`, and the platform's limits for it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slugfit.base.heroku import SLUG_LIMIT
from slugfit.base.sizes import MB

CHUNK = 1 << 20

# Names become ./app/...; the targets of symbolic links (S) and hard links (H) stay as they are.
AS_APP = r"--transform=flags=rSH;s,^\.\(/\|$\),./app\1,"


@dataclass(frozen=True)
class SlugArchive:
    """A packed slug."""

    path: Path
    compressed_bytes: int
    raw_bytes: int

    def names(self) -> list[str]:
        """Return what the slug holds, as paths relative to `/app`, directories too."""
        listing = subprocess.run(
            ["tar", "--list", "--file", self.path], check=True, capture_output=True, text=True
        )
        paths = (line.removeprefix("./app").strip("/") for line in listing.stdout.splitlines())
        return sorted(path for path in paths if path)

    def unpack(self, home: Path) -> None:
        """Unpack the slug into `home`, as a dyno does at its start."""
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["tar", "--extract", "--gzip", "--strip-components=2", "--file", self.path],
            check=True,
            cwd=home,
        )


def pack(directory: Path, destination: Path, gzip_level: int = 6) -> SlugArchive:
    """Pack `directory` as the slug compiler does: every hard link at its full size."""
    tar = ["tar", "--create", "--hard-dereference", AS_APP, "--directory", str(directory), "."]
    with (
        destination.open("wb") as slug,
        subprocess.Popen(tar, stdout=subprocess.PIPE) as packing,
        subprocess.Popen(
            ["gzip", f"-{gzip_level}"], stdin=subprocess.PIPE, stdout=slug
        ) as squeezing,
    ):
        assert packing.stdout is not None  # noqa: S101 (a pipe)
        assert squeezing.stdin is not None  # noqa: S101 (a pipe)
        raw_bytes = _pump(packing.stdout, squeezing.stdin)
        squeezing.stdin.close()
        if packing.wait() or squeezing.wait():
            raise RuntimeError(f"tar or gzip failed on {directory}")
    return SlugArchive(destination, destination.stat().st_size, raw_bytes)


def _pump(source: IO[bytes], destination: IO[bytes]) -> int:
    total = 0
    while chunk := source.read(CHUNK):
        destination.write(chunk)
        total += len(chunk)
    return total


def size_text(count: int) -> str:
    """Return a size as the platform prints it: "58.2M", "1.1G"."""
    if count > SLUG_LIMIT:
        return f"{count / MB / 1000:.1f}G"
    return f"{count / MB:.1f}M"
