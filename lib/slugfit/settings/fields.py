"""The kinds of values that a configuration holds, each saying what it allows."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from marshmallow import ValidationError, fields

from slugfit.sizes import parse_size

_LONGEST_NAME = 255  # bytes, as Linux has it
_LONGEST_PATH = 2048  # bytes; Linux allows 4096, of which BUILD_DIR takes its part
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class Size(fields.Field[int]):
    """A positive byte size with its unit, as bytes."""

    allowed = 'a size with its unit, such as "300MB" or "1GB"'
    default_error_messages = {"required": allowed, "null": allowed}  # noqa: RUF012 (marshmallow's)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        size = parse_size(value) if isinstance(value, str) else None
        if not size:
            raise ValidationError(self.allowed)
        return size


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
        self.allowed = " or ".join(f'"{choice}"' for choice in choices)

    def _check(self, value: str) -> bool:
        return value in self.choices


class Sha256(Text):
    """A sha256 in hexadecimal."""

    allowed = "64 hexadecimal digits, as sha256sum prints them"

    def _check(self, value: str) -> bool:
        return bool(_SHA256.fullmatch(value))


class AppPath(Text):
    """A path below the app's root."""

    allowed = 'a path inside the app, without a leading "/" and without ".."'

    def _check(self, value: str) -> bool:
        return is_app_path(value)


class Glob(Text):
    """A glob below site-packages."""

    allowed = 'a glob relative to site-packages, such as "numpy/**/tests"'

    def _check(self, value: str) -> bool:
        return is_app_path(value)


class SourceUrl(Text):
    """Where a model comes from."""

    allowed = (
        '"s3://bucket/key", "https://host/path" (no user name or password in it)\n'
        "           or a path inside the app"
    )

    def _check(self, value: str) -> bool:
        try:
            url = urlsplit(value)
            bare = (url.username, url.password) == (None, None) and url.port != 0
        except ValueError:
            return False
        if not url.scheme and "://" not in value:
            return is_app_path(value)
        # What it names becomes a file's name, unless the model has a path of its own.
        named = bool(url.path.strip("/")) and is_app_path(default_path(value))
        return url.scheme in ("s3", "https", "http") and bool(url.hostname) and named and bare


def is_app_path(text: str) -> bool:
    """Whether `text` is a relative path that names something, never goes up, and can exist."""
    path = PurePosixPath(text)
    below = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    short = len(os.fsencode(text)) <= _LONGEST_PATH and all(
        len(os.fsencode(part)) <= _LONGEST_NAME for part in path.parts
    )
    return below and short and "\0" not in text


def default_path(source: str) -> str:
    """`models/<last part of the source>`; "" when that part is empty."""
    name = unquote(urlsplit(source).path.rpartition("/")[2])
    return f"models/{name}" if name else ""
