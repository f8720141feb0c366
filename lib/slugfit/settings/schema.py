"""The shape of a configuration: which keys there are and what each allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_args

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validates_schema

from slugfit.files import is_path_below
from slugfit.settings.fields import (
    AppPath,
    Arrays,
    Bound,
    Choice,
    Command,
    Duration,
    Flag,
    Glob,
    Sha256,
    Size,
    SourceUrl,
    VarName,
    default_path,
)
from slugfit.settings.model import (
    Bytecode,
    CheckSettings,
    ConvertSettings,
    ConvertTo,
    ModelSettings,
    Quantize,
    StripLevel,
)
from slugfit.settings.urls import HttpUrl, S3Url, Url, parse

UNKNOWN = "unknown key"
_TABLE = "a table"


class Table(Schema):
    """A table that takes no key but its own."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": UNKNOWN, "type": _TABLE}  # noqa: RUF012 (marshmallow's)


class BudgetSchema(Table):
    limit = Size()
    warn = Size()


def _globs(directory: str, example: str) -> fields.List[str]:
    return fields.List(Glob(directory, example), error_messages={"invalid": "a list of globs"})


class StripSchema(Table):
    level = Choice(*get_args(StripLevel))
    keep = _globs("site-packages", "numpy/**/tests")
    remove = _globs("site-packages", "numpy/**/tests")
    bytecode = Choice(*get_args(Bytecode))
    smoke = Command()


class FetchSchema(Table):
    deadline = Duration()
    cache_limit = Size()


def _is_directory(url: Url | None) -> bool:
    return url is not None and url.is_prefix


def _is_file(url: Url | None) -> bool:
    return url is not None and not url.is_prefix


def _keeps_secrets(url: Url | None) -> bool:
    return isinstance(url, HttpUrl) and url.keeps_secrets


def _is_in_s3(url: Url | None) -> bool:
    return isinstance(url, S3Url)


_DIRECTORY = 'only with a directory as the source: "s3://bucket/directory/"'
# What these keys ask of the source, when they are set.
_FIT: Final[dict[str, tuple[Callable[[Url | None], bool], str]]] = {
    "include": (_is_directory, _DIRECTORY),
    "exclude": (_is_directory, _DIRECTORY),
    "unpack": (_is_file, 'only with an archive as the source: "s3://bucket/key.tar.gz"'),
    "authorization": (_keeps_secrets, 'only with a source that begins with "https://"'),
    "requester_pays": (_is_in_s3, 'only with a source that begins with "s3://"'),
}


class ConvertSchema(Table):
    to = Choice(*get_args(ConvertTo), required=True)
    quantize = Choice(*get_args(Quantize))
    representative = Arrays()

    @validates_schema
    def _check_fit(self, data: dict[str, Any], **kwargs: Any) -> None:
        is_fitted = data.get("quantize") == "int8"
        if is_fitted and "representative" not in data:
            text = f'{Arrays.allowed},\n           which quantize = "int8" is fitted to'
            raise ValidationError({"representative": [text]})
        if not is_fitted and "representative" in data:
            raise ValidationError({"representative": ['only with quantize = "int8"']})

    @post_load
    def _build(self, data: dict[str, Any], **kwargs: Any) -> ConvertSettings:
        return ConvertSettings(**data)


_MEASURED = ("reference", "max_error", "min_agreement")


class CheckSchema(Table):
    load = Flag()  # type: ignore[assignment] # a field, not Schema's
    input = Arrays()
    reference = Arrays()
    max_error = Bound(0)
    min_agreement = Bound(0, 1)
    timeout = Duration()
    memory = Size()

    @validates_schema
    def _check_fit(self, data: dict[str, Any], **kwargs: Any) -> None:
        unfit = {}
        if "reference" in data and "input" not in data:
            unfit["reference"] = ["only with input, which it has the answers to"]
        if data.get("load") is False:
            unfit |= {key: ["only without load = false"] for key in _MEASURED if key in data}
        if unfit:
            raise ValidationError(unfit)

    @post_load
    def _build(self, data: dict[str, Any], **kwargs: Any) -> CheckSettings:
        return CheckSettings(**data)


class ModelSchema(Table):
    source = SourceUrl(required=True, error_messages={"required": SourceUrl.allowed})
    path = AppPath()
    sha256 = Sha256()
    include = _globs("the source", "*.safetensors")
    exclude = _globs("the source", "*.safetensors")  # type: ignore[assignment] # a field, not Schema's
    unpack = Flag()
    authorization = VarName()
    requester_pays = Flag()
    allow_pickle = Flag()
    convert = fields.Nested(ConvertSchema)
    check = fields.Nested(CheckSchema)

    @validates_schema
    def _check_fit(self, data: dict[str, Any], **kwargs: Any) -> None:
        url = parse(data["source"])
        unfit = {
            key: [allowed]
            for key, (fits, allowed) in _FIT.items()
            if data.get(key) and not fits(url)
        }
        if "path" not in data and not is_path_below(_default_path(data)):
            unfit["path"] = ["a path: the end of the source is no name for a file"]
        check = data.get("check", CheckSettings())
        is_bounded = check.max_error is not None or check.min_agreement is not None
        if is_bounded and not check.reference and "convert" not in data:
            bounds = "only with a reference, or with convert: what are the answers compared to?"
            unfit["check"] = [bounds]
        if unfit:
            raise ValidationError(unfit)

    @post_load
    def _build(self, data: dict[str, Any], **kwargs: Any) -> ModelSettings:
        """`authorization` is still the name of the config var."""
        globs = {key: tuple(data.get(key, ())) for key in ("include", "exclude")}
        return ModelSettings(**{"path": _default_path(data)} | data | globs)


def _default_path(model: dict[str, Any]) -> str:
    convert = model.get("convert")
    to = convert.to if convert else None
    return default_path(model["source"], unpack=model.get("unpack", False), to=to)


class SettingsSchema(Table):
    budget = fields.Nested(BudgetSchema)
    strip = fields.Nested(StripSchema)
    fetch = fields.Nested(FetchSchema)
    models = fields.List(
        fields.Nested(ModelSchema), error_messages={"invalid": "tables that begin with [[models]]"}
    )
