"""After the buildpacks: process types, the slug, and the platform's verdict on its size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.base.heroku import SLUG_LIMIT, SLUG_SOFT_LIMIT
from slugfit.base.sizes import MB
from slugfit.local.build_run import Build, BuildStoppedError
from slugfit.local.slug_archive import SlugArchive, pack, size_text
from slugfit.local.transcript import Transcript


@dataclass(frozen=True)
class SlugLimits:
    """Compressed sizes in bytes, and how hard to compress; tests lower them to save time."""

    hard: int = SLUG_LIMIT
    soft: int = SLUG_SOFT_LIMIT
    gzip_level: int = 6  # the slug compiler's


@dataclass(frozen=True)
class Release:
    """What dynos are started from."""

    slug: SlugArchive
    process_types: dict[str, str]


def release(build: Build, limits: SlugLimits, slug_path: Path) -> Release:
    """Pack what the build left into a slug, unless it is too large."""
    process_types = _discover_process_types(build)
    slug = _compress(build, limits, slug_path)
    _launch(build.transcript, slug, limits)
    return Release(slug, process_types)


def _discover_process_types(build: Build) -> dict[str, str]:
    declared, defaults = build.process_types()
    log = build.transcript
    log.line("-----> Discovering process types")
    log.line(f"       Procfile declares types -> {', '.join(declared) or '(none)'}")
    if defaults:
        log.line(f"       Default types for buildpack -> {', '.join(defaults)}")
    log.line()
    return {**defaults, **declared}


def _compress(build: Build, limits: SlugLimits, slug_path: Path) -> SlugArchive:
    log = build.transcript
    log.line("-----> Compressing...")
    # The slug of the release before stays until there is a new one.
    fresh = slug_path.with_suffix(".new")
    slug = pack(build.site.build_dir, fresh, limits.gzip_level)
    if slug.compressed_bytes > limits.hard:
        fresh.unlink()
        size = size_text(slug.compressed_bytes)
        limit = f"{limits.hard / MB:.0f}M"
        log.line(f" !     Compiled slug size: {size} is too large (max is {limit}).")
        raise BuildStoppedError
    log.line(f"       Done: {size_text(slug.compressed_bytes)}")
    return SlugArchive(fresh.rename(slug_path), slug.compressed_bytes, slug.raw_bytes)


def _launch(log: Transcript, slug: SlugArchive, limits: SlugLimits) -> None:
    log.line("-----> Launching...")
    if slug.compressed_bytes > limits.soft:
        size = f"{slug.compressed_bytes / MB:.0f} MB"
        limit = f"{limits.soft / MB:.0f} MB"
        log.line(
            f" !     Warning: Your slug size ({size}) exceeds our soft limit ({limit}) "
            "which may affect boot time."
        )
