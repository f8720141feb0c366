"""What the user asked for, once it is known to be valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from slugfit.settings.urls import parse
from slugfit.sizes import parse_size

StripLevel = Literal["off", "safe", "max"]
Bytecode = Literal["keep", "boot", "drop"]
AddressingStyle = Literal["auto", "path", "virtual"]
ConvertTo = Literal["tflite", "onnx", "torchscript"]
Quantize = Literal["none", "float16", "dynamic", "int8"]

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
    """`keep` and `remove` are globs relative to site-packages; `keep` wins.

    `bytecode` is which .pyc files stay: all, those that the app's own start imports, or none.
    `smoke` is a shell command that ends with 0 when the app works.
    """

    level: StripLevel = "safe"
    keep: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    bytecode: Bytecode = "keep"
    smoke: str | None = None


@dataclass(frozen=True)
class ConvertSettings:
    """What a model becomes. `representative` is an .npz in the app, which int8 is fitted to."""

    to: ConvertTo
    quantize: Quantize = "none"
    representative: str | None = None


@dataclass(frozen=True)
class CheckSettings:
    """How a model is tried. `input` and `reference` are .npz files in the app.

    `max_error` bounds the absolute difference of any output, `min_agreement` the share of samples
    with the same argmax. `timeout` is in seconds, `memory` in bytes of resident memory. Without
    `load`, nothing opens the model.
    """

    load: bool = True
    input: str | None = None
    reference: str | None = None
    max_error: float | None = None
    min_agreement: float | None = None
    timeout: float = 120.0
    memory: int = parse_size("2500MB") or 0


@dataclass(frozen=True)
class ModelSettings:
    """`source` is a URL or a path inside the app; `path` is relative to the app's root.

    `include` and `exclude` are globs relative to a source that is a prefix;
    `authorization` is the header's value. Without `allow_pickle`, nothing unpickles the model.
    """

    source: str
    path: str
    sha256: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    unpack: bool = False
    authorization: str | None = field(default=None, repr=False)
    requester_pays: bool = False
    allow_pickle: bool = False
    convert: ConvertSettings | None = None
    check: CheckSettings = CheckSettings()

    @property
    def is_prefix(self) -> bool:
        """Whether the source is all that a store has below a name."""
        url = parse(self.source)
        return url is not None and url.is_prefix


@dataclass(frozen=True)
class FetchSettings:
    """`deadline` in seconds, for all models together; `cache_limit` in bytes."""

    deadline: float = 1200.0
    cache_limit: int | None = None


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
    """Key pairs in the order of preference, and where the store is if it is not AWS.

    `ambient` lets boto3 look for credentials as it does on a developer's computer.
    """

    credentials: tuple[S3Credentials, ...] = ()
    region: str | None = None
    endpoint_url: str | None = None
    addressing_style: AddressingStyle = "auto"
    ambient: bool = False

    def credentials_for(self, bucket: str) -> S3Credentials | None:
        """An add-on's own bucket needs the add-on's key; any other bucket takes the general one."""
        own = [c for c in self.credentials if c.bucket == bucket]
        general = [c for c in self.credentials if c.bucket is None]
        return next(iter(own + general), None)


@dataclass(frozen=True)
class HubSettings:
    """The Hugging Face hub, or one that speaks its protocol."""

    endpoint: str = "https://huggingface.co"
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class GcsSettings:
    """Google Cloud Storage. `service_account` is the JSON text of its key."""

    endpoint: str = "https://storage.googleapis.com"
    service_account: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AzureSettings:
    """Azure Blob Storage. Without `endpoint`, each account has its own."""

    endpoint: str | None = None
    key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything a build is told, from files and config vars. `origin` names the file, if any.

    `secrets` are those that only the configuration leads to.
    """

    origin: str | None = None
    budget: BudgetSettings = BudgetSettings()
    strip: StripSettings = StripSettings()
    models: tuple[ModelSettings, ...] = ()
    fetch: FetchSettings = FetchSettings()
    s3: S3Settings = S3Settings()
    hub: HubSettings = HubSettings()
    gcs: GcsSettings = GcsSettings()
    azure: AzureSettings = AzureSettings()
    secrets: tuple[str, ...] = field(default=(), repr=False)
