"""How long a dyno needs to start before the app's own code runs: a model, not a promise."""

from __future__ import annotations

from dataclasses import dataclass

from slugfit.slug.contents import Slug

# Heroku does not document the download rate: this is typical of one connection to object storage
# in the same region.
BYTES_PER_SECOND = 50_000_000
# CPU time of `tar -xzf`: least squares over seven stacks, one large model and many small files,
# R² = 0.98. Off by up to 12 %, for the model by 25 %. The compressed size is no significant term.
# `make bench-boot` repeats the measurement.
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
    """The time that each start, restart and scale-up of a dyno needs to get the slug."""
    weight = slug.weight
    return Boot(
        download=weight.compressed / BYTES_PER_SECOND,
        unpack=_SECONDS_PER_BYTE * weight.raw + _SECONDS_PER_FILE * slug.files,
    )
