"""What the user asked for, once it is known to be valid. Each key of a table is declared here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import PurePosixPath
from typing import Any, Final, Literal, get_args

from slugfit.base.files import is_path_below
from slugfit.base.heroku import SLUG_LIMIT, SLUG_SOFT_LIMIT
from slugfit.base.sizes import MB
from slugfit.settings.fields import (
    AppPath,
    Arrays,
    Bound,
    Choice,
    Command,
    Duration,
    Flag,
    Glob,
    Globs,
    Sha256,
    Size,
    SourceText,
    VarName,
)
from slugfit.settings.keys import Checked, computed, key, nested, required
from slugfit.stores.location import AppFile, Location
from slugfit.stores.registry import OPTIONS, takers_of
from slugfit.stores.store import StoreSettings

StripLevel = Literal["off", "safe", "max"]
Bytecode = Literal["keep", "boot", "drop"]
ConvertTo = Literal["tflite", "onnx", "torchscript"]
Quantize = Literal["none", "float16", "dynamic", "int8"]

PLATFORM_LIMIT = f"{SLUG_LIMIT // MB}MB"
MODELS_VAR = "SLUGFIT_MODELS"

_ARCHIVE = re.compile(r"(?<=.)\.(?:tar(?:\.(?:gz|zst|bz2|xz))?|tgz|zip)\Z", re.IGNORECASE)
_ENDINGS: dict[ConvertTo, str] = {"tflite": ".tflite", "onnx": ".onnx", "torchscript": ".pt"}


@dataclass(frozen=True)
class BudgetSettings:
    """Compressed slug sizes in bytes: over `warn` the build warns, over `limit` it fails."""

    limit: int = key(Size(), PLATFORM_LIMIT, var="SLUGFIT_BUDGET_LIMIT")
    warn: int = key(Size(), f"{SLUG_SOFT_LIMIT // MB}MB", var="SLUGFIT_BUDGET_WARN")


@dataclass(frozen=True)
class StripSettings:
    """`keep` and `remove` are globs relative to site-packages; `keep` wins.

    `bytecode` is which .pyc files stay: all, those that the app's own start imports, or none.
    `smoke` is a shell command that ends with 0 when the app works.
    """

    level: StripLevel = key(Choice(*get_args(StripLevel)), "safe", var="SLUGFIT_STRIP_LEVEL")
    keep: tuple[str, ...] = key(Globs(Glob("site-packages", "numpy/**/tests")), [])
    remove: tuple[str, ...] = key(Globs(Glob("site-packages", "numpy/**/tests")), [])
    bytecode: Bytecode = key(Choice(*get_args(Bytecode)), "keep", var="SLUGFIT_STRIP_BYTECODE")
    smoke: str | None = key(Command(), var="SLUGFIT_STRIP_SMOKE")


@dataclass(frozen=True)
class FetchSettings:
    """`deadline` in seconds, for all models together; `cache_limit` in bytes."""

    deadline: float = key(Duration(), "20m", var="SLUGFIT_FETCH_DEADLINE")
    cache_limit: int | None = key(Size(), var="SLUGFIT_CACHE_LIMIT")


@dataclass(frozen=True)
class ConvertSettings(Checked):
    """What a model is converted to. `representative` is an .npz in the app, to calibrate int8."""

    to: ConvertTo = field(metadata=required(Choice(*get_args(ConvertTo))))
    quantize: Quantize = key(Choice(*get_args(Quantize)), "none")
    representative: str | None = key(Arrays())

    @classmethod
    def misfits(cls, table: Mapping[str, Any]) -> dict[str, str]:
        is_calibrated = table.get("quantize") == "int8"
        if is_calibrated and "representative" not in table:
            needed = f'{Arrays.allowed},\n           which quantize = "int8" is calibrated with'
            return {"representative": needed}
        if not is_calibrated and "representative" in table:
            return {"representative": 'only with quantize = "int8"'}
        return {}


@dataclass(frozen=True)
class CheckSettings(Checked):
    """How a model is checked. `input` and `reference` are .npz files in the app.

    `max_error` bounds the absolute difference of any output, `min_agreement` the share of samples
    with the same argmax. `timeout` is in seconds, `memory` in bytes of resident memory. Without
    `load`, nothing opens the model.
    """

    load: bool = key(Flag(), True)
    input: str | None = key(Arrays())
    reference: str | None = key(Arrays())
    max_error: float | None = key(Bound(0))
    min_agreement: float | None = key(Bound(0, 1))
    timeout: float = key(Duration(), "120s")
    memory: int = key(Size(), "2500MB")

    @classmethod
    def misfits(cls, table: Mapping[str, Any]) -> dict[str, str]:
        unfit = {}
        if "reference" in table and "input" not in table:
            unfit["reference"] = "only with input, whose expected outputs it has"
        if table.get("load") is False:
            measured = ("reference", "max_error", "min_agreement")
            unfit |= {name: "only without load = false" for name in measured if name in table}
        return unfit

    @property
    def is_bounded(self) -> bool:
        """Whether the model's outputs are compared with others."""
        return self.max_error is not None or self.min_agreement is not None


def _is_archive(source: Location) -> bool:
    return not isinstance(source, AppFile) and not source.is_prefix


_DIRECTORY = 'only with a directory as the source: "s3://bucket/directory/"'
# What these keys require of the source, when they are set.
_FIT: Final[dict[str, tuple[Callable[[Location], bool], str]]] = {
    "include": (lambda source: source.is_prefix, _DIRECTORY),
    "exclude": (lambda source: source.is_prefix, _DIRECTORY),
    "unpack": (_is_archive, 'only with an archive as the source: "s3://bucket/key.tar.gz"'),
    **{
        option: (
            methodcaller("takes", option),
            f'only with a source that begins with "{takers_of(option)}"',
        )
        for option in OPTIONS
    },
}


@dataclass(frozen=True)
class ModelSettings(Checked):
    """`path` is relative to the app's root.

    `include` and `exclude` are globs relative to a source that is a prefix; `authorization` is
    the header's value (in the table, the name of the config var that has it). Without
    `allow_code`, no model is opened that runs code then; `allow_pickle` is its old name.
    """

    source: Location = field(metadata=required(SourceText(), var=MODELS_VAR))
    path: str = field(metadata=computed(AppPath(), var=MODELS_VAR))
    sha256: str | None = key(Sha256(), var=MODELS_VAR)
    include: tuple[str, ...] = key(Globs(Glob("the source", "*.safetensors")), [])
    exclude: tuple[str, ...] = key(Globs(Glob("the source", "*.safetensors")), [])
    unpack: bool = key(Flag(), False)
    authorization: str | None = key(VarName(), repr=False)
    requester_pays: bool = key(Flag(), False)
    allow_code: bool = key(Flag(), False)
    allow_pickle: bool = key(Flag(), False)
    convert: ConvertSettings | None = key(nested(ConvertSettings))
    check: CheckSettings = key(nested(CheckSettings), {})

    @property
    def may_run_code(self) -> bool:
        """Whether the model may be opened though that runs code in it."""
        return self.allow_code or self.allow_pickle

    @property
    def source_name(self) -> str:
        """The last part of the source, as a log shows it."""
        return self.source.display.rstrip("/").rpartition("/")[2]

    @classmethod
    def misfits(cls, table: Mapping[str, Any]) -> dict[str, str]:
        return dict(cls._misfits(table))

    @classmethod
    def _misfits(cls, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name, (fits, allowed) in _FIT.items():
            if table.get(name) and not fits(table["source"]):
                yield name, allowed
        if "path" not in table and not is_path_below(default_path(table)):
            yield "path", "a path: the source does not end with a file name"
        check = table.get("check", CheckSettings())
        if check.is_bounded and not check.reference and "convert" not in table:
            compared = "what are the outputs compared with?"
            yield "check", f"only with a reference, or with convert: {compared}"

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> ModelSettings:
        return cls(**{"path": default_path(table), **table})


def default_path(model: Mapping[str, Any]) -> str:
    """`models/<last part of the source>`, as it is called when converted; "" when it is empty."""
    name: str = model["source"].name
    if model.get("unpack"):
        name = _ARCHIVE.sub("", name)
    if name and (convert := model.get("convert")):
        name = PurePosixPath(name).stem + _ENDINGS[convert.to]
    return f"models/{name}" if name else ""


@dataclass(frozen=True)
class Settings:
    """Everything a build is configured with. `origin` names the file, if any.

    `secrets` are those that only the configuration leads to.
    """

    origin: str | None = None
    budget: BudgetSettings = BudgetSettings()
    strip: StripSettings = StripSettings()
    models: tuple[ModelSettings, ...] = ()
    fetch: FetchSettings = FetchSettings()
    stores: StoreSettings = field(default_factory=StoreSettings)
    secrets: tuple[str, ...] = field(default=(), repr=False)


# The tables in which config vars set keys over those of the file.
SECTIONS = {"budget": BudgetSettings, "strip": StripSettings, "fetch": FetchSettings}
