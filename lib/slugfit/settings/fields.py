"""The kinds of values that a configuration holds, each saying what it allows."""

from __future__ import annotations

import math
import re
from typing import Any

from marshmallow import ValidationError, fields

from slugfit.base.files import is_path_below
from slugfit.base.sizes import parse_duration, parse_size
from slugfit.stores.location import Location
from slugfit.stores.registry import FORMS, examples, locate

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_VAR_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_HEADER = re.compile(r"(?:Bearer|Basic|Token)\s", re.IGNORECASE)


class Size(fields.Field[int]):
    """A positive byte size with its unit, as bytes."""

    allowed = 'a size with its unit, such as "300MB" or "1GB"'

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        size = parse_size(value) if isinstance(value, str) else None
        if not size:
            raise ValidationError(self.allowed)
        return size


class Duration(fields.Field[float]):
    """A positive time with its unit, as seconds."""

    allowed = 'a time with its unit, such as "90s", "20m" or "1h"'

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


class Globs(fields.Field[tuple[str, ...]]):
    """A list of what `inner` allows."""

    def __init__(self, inner: Text) -> None:
        super().__init__()
        self._list = fields.List(inner, error_messages={"invalid": "a list of globs"})

    def _deserialize(self, *args: Any, **kwargs: Any) -> tuple[str, ...]:
        return tuple(filter(None, self._list.deserialize(*args, **kwargs)))


class VarName(Text):
    """The name of a config var that holds a secret."""

    allowed = 'the name of a config var, such as "MODEL_SERVER_AUTHORIZATION"'

    def _check(self, value: str) -> bool:
        return bool(_VAR_NAME.fullmatch(value))

    @classmethod
    def describe(cls, value: object) -> tuple[str, str, str]:
        """What was found, what is allowed, and a hint; never the value."""
        is_header = isinstance(value, str) and _HEADER.match(value)
        hint = "It looks like the header itself: set that as a config var, and name the var here."
        found = "a value that is not shown: it may be the secret itself"
        return found, cls.allowed, hint if is_header else ""


class SourceText(fields.Field[Location]):
    """Where a model comes from."""

    allowed = examples(quote='"') + ",\n           or a path inside the app"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Location:
        location = locate(value) if isinstance(value, str) else None
        if location is None:
            scheme = value.partition(":")[0] if isinstance(value, str) else ""
            raise ValidationError(FORMS.get(scheme, self.allowed))
        return location
