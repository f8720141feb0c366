"""What the user asked for, once it is known to be valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from slugfit.sizes import parse_size

StripLevel = Literal["off", "safe"]

# The platform's limits since March 2026. Whether its M is 10^6 or 2^20 is not
# documented: the stricter one never surprises.
PLATFORM_LIMIT = "1000MB"
PLATFORM_SOFT_LIMIT = "300MB"


@dataclass(frozen=True)
class BudgetSettings:
    """Compressed slug sizes in bytes: over `warn` the build warns, over `limit` it fails."""

    limit: int = parse_size(PLATFORM_LIMIT) or 0
    warn: int = parse_size(PLATFORM_SOFT_LIMIT) or 0


@dataclass(frozen=True)
class StripSettings:
    """`keep` and `remove` are globs relative to site-packages; `keep` wins."""

    level: StripLevel = "safe"
    keep: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSettings:
    """`source` is a URL or a path inside the app; `path` is relative to the app's root."""

    source: str
    path: str
    sha256: str | None = None


@dataclass(frozen=True)
class S3Credentials:
    """One key pair. `bucket` is the only bucket it is for; None means any."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    bucket: str | None = None


@dataclass(frozen=True)
class S3Settings:
    """Key pairs in the order of preference, and where the store is if it is not AWS."""

    credentials: tuple[S3Credentials, ...] = ()
    region: str | None = None
    endpoint_url: str | None = None

    def credentials_for(self, bucket: str) -> S3Credentials | None:
        """An add-on's own bucket needs the add-on's key; any other bucket takes the general one."""
        own = [c for c in self.credentials if c.bucket == bucket]
        general = [c for c in self.credentials if c.bucket is None]
        return next(iter(own + general), None)


@dataclass(frozen=True)
class Settings:
    """Everything a build is told, from files and config vars. `origin` names the file, if any."""

    origin: str | None = None
    budget: BudgetSettings = BudgetSettings()
    strip: StripSettings = StripSettings()
    models: tuple[ModelSettings, ...] = ()
    s3: S3Settings = S3Settings()
