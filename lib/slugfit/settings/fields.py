"""The kinds of values that a configuration holds, each saying what it allows."""

from __future__ import annotations

import math
import re
from pathlib import PurePosixPath
from typing import Any

from marshmallow import ValidationError, fields

from slugfit.files import is_path_below
from slugfit.settings.model import ConvertTo
from slugfit.settings.urls import parse
from slugfit.sizes import parse_duration, parse_size

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_VAR_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_HEADER = re.compile(r"(?:Bearer|Basic|Token)\s", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ARCHIVE = re.compile(r"(?<=.)\.(?:tar(?:\.(?:gz|zst|bz2|xz))?|tgz|zip)\Z", re.IGNORECASE)

_ENDINGS: dict[ConvertTo, str] = {"tflite": ".tflite", "onnx": ".onnx", "torchscript": ".pt"}

_ESCAPES = '\n           (in names, "#", "?" and "%" are written "%23", "%3F" and "%25")'
_HTTP = '"https://host/path" (no user name or password in it)'
# What a source may be that begins like one of these.
_FORMS = {
    "s3": '"s3://bucket/key", "s3://bucket/key?versionId=ID" or "s3://bucket/directory/"'
    + _ESCAPES,
    "gs": '"gs://bucket/object", "gs://bucket/object?generation=1" or "gs://bucket/directory/"'
    + _ESCAPES,
    "az": '"az://account/container/blob" or "az://account/container/directory/"' + _ESCAPES,
    "hf": '"hf://org/name@revision/path" or "hf://org/name@revision/directory/"\n'
    '           (in revisions, "/" is written "%2F")',
    "http": _HTTP,
    "https": _HTTP,
}


class Size(fields.Field[int]):
    """A positive byte size with its unit, as bytes."""

    allowed = 'a size with its unit, such as "300MB" or "1GB"'
    default_error_messages = {"required": allowed, "null": allowed}  # noqa: RUF012 (marshmallow's)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        size = parse_size(value) if isinstance(value, str) else None
        if not size:
            raise ValidationError(self.allowed)
        return size


class Duration(fields.Field[float]):
    """A positive time with its unit, as seconds."""

    allowed = 'a time with its unit, such as "90s", "20m" or "1h"'
    default_error_messages = {"required": allowed, "null": allowed}  # noqa: RUF012 (marshmallow's)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        seconds = parse_duration(value) if isinstance(value, str) else None
        if not seconds:
            raise ValidationError(self.allowed)
        return seconds


class Flag(fields.Field[bool]):
    """Yes or no, as TOML has them."""

    allowed = "true or false"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(self.allowed)
        return value


class Bound(fields.Field[float]):
    """A number over `least`, and up to `most` where there is one."""

    def __init__(self, least: float, most: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most
        self.allowed = f"a number over {least:g}" + ("" if most is None else f", up to {most:g}")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not self.least < value <= (self.most or math.inf):
            raise ValidationError(self.allowed)
        return float(value)


class Text(fields.Field[str]):
    """A string that passes `_check`. Subclasses say in `allowed` which do."""

    allowed = "a text in quotes"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not self._check(value):
            raise ValidationError(self.allowed)
        return value

    def _check(self, value: str) -> bool:
        return bool(value)


class Choice(Text):
    """One of a few words."""

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices
        *others, last = (f'"{choice}"' for choice in choices)
        self.allowed = f"{', '.join(others)} or {last}"
        self.error_messages["required"] = self.allowed

    def _check(self, value: str) -> bool:
        return value in self.choices


class Sha256(Text):
    """A sha256 in hexadecimal, as lower case."""

    allowed = "64 hexadecimal digits, as sha256sum prints them"

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        return super()._deserialize(*args, **kwargs).lower()

    def _check(self, value: str) -> bool:
        return bool(_SHA256.fullmatch(value))


class AppPath(Text):
    """A path below the app's root."""

    allowed = 'a path inside the app, without a leading "/" and without ".."'

    def _check(self, value: str) -> bool:
        return is_path_below(value)


class Arrays(Text):
    """A file of the app with arrays, as numpy.savez writes it."""

    allowed = 'a path to an .npz file of the app, such as "check/inputs.npz"'

    def _check(self, value: str) -> bool:
        return is_path_below(value) and value.endswith(".npz")


class Command(Text):
    """What a shell runs."""

    allowed = 'a command in one line, such as "python -m myapp.selfcheck"'

    def _check(self, value: str) -> bool:
        return bool(value.strip()) and value.isprintable()


class Glob(Text):
    """A glob below a directory."""

    def __init__(self, directory: str, example: str) -> None:
        super().__init__()
        self.allowed = f'a glob relative to {directory}, such as "{example}"'

    def _check(self, value: str) -> bool:
        return is_path_below(value)


class VarName(Text):
    """The name of a config var that holds a secret."""

    allowed = 'the name of a config var, such as "MODEL_SERVER_AUTHORIZATION"'

    def _check(self, value: str) -> bool:
        return bool(_VAR_NAME.fullmatch(value))

    @classmethod
    def tell(cls, value: object) -> tuple[str, str, str]:
        """What was found, what is allowed, and a hint; never the value."""
        is_header = isinstance(value, str) and _HEADER.match(value)
        hint = "It looks like the header itself: set that as a config var, and name the var here."
        found = "a value that is not shown: it may be the secret itself"
        return found, cls.allowed, hint if is_header else ""


class SourceUrl(Text):
    """Where a model comes from."""

    allowed = (
        '"s3://bucket/key", "gs://bucket/object", "az://account/container/blob",\n'
        '           "hf://org/name@revision/path", "https://host/path",\n'
        "           or a path inside the app"
    )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not self._check(value):
            scheme = value.partition(":")[0] if isinstance(value, str) else ""
            raise ValidationError(_FORMS.get(scheme, self.allowed))
        return value

    def _check(self, value: str) -> bool:
        if "://" in value:
            return parse(value) is not None
        return is_path_below(value) and not _SCHEME.match(value)


def default_path(source: str, *, unpack: bool = False, to: ConvertTo | None = None) -> str:
    """`models/<last part of the source>`, as it is called when converted; "" when it is empty."""
    url = parse(source)
    name = url.name if url else PurePosixPath(source).name
    if unpack:
        name = _ARCHIVE.sub("", name)
    if name and to:
        name = PurePosixPath(name).stem + _ENDINGS[to]
    return f"models/{name}" if name else ""
