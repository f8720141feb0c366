"""What the start of a dyno costs before the app's own code runs: a stated model, not a promise."""

from __future__ import annotations

from dataclasses import dataclass

from slugfit.slug.contents import Slug

# Of the download, nobody outside Heroku knows: this is what one connection to object storage in
# the same region usually brings.
BYTES_PER_SECOND = 50_000_000
# What `tar -xzf` takes of one processor: least squares over seven stacks, one large model and many
# small files, R² = 0.98; off by 12 %, of the model 25 %. The compressed size adds nothing to it.
# `make bench-boot` measures it anew.
_SECONDS_PER_BYTE = 8.1e-9
_SECONDS_PER_FILE = 1.8e-5


@dataclass(frozen=True)
class Boot:
    """Seconds to download a slug and to unpack it."""

    download: float
    unpack: float

    @property
    def seconds(self) -> float:
        return self.download + self.unpack


def boot_of(slug: Slug) -> Boot:
    """What each start, restart and scale-up of a dyno takes until the app is in place."""
    weight = slug.weight
    return Boot(
        download=weight.compressed / BYTES_PER_SECOND,
        unpack=_SECONDS_PER_BYTE * weight.raw + _SECONDS_PER_FILE * slug.files,
    )
