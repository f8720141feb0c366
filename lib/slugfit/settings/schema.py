"""The shape of a configuration: which keys there are and what each allows.

marshmallow visits every key and collects all errors; this module turns its
error tree into problems that name the key, what was found and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, get_args

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

from slugfit.settings.failures import Problem
from slugfit.settings.fields import (
    AppPath,
    Choice,
    Glob,
    Sha256,
    Size,
    SourceUrl,
    default_path,
)
from slugfit.settings.model import ModelSettings, StripLevel

_UNKNOWN = "unknown key"
_TABLE = "a table"
_MISSING: Final = "nothing: the key is missing"

KeyPath = tuple[str | int, ...]


class _Table(Schema):
    class Meta:
        unknown = RAISE

    error_messages = {"unknown": _UNKNOWN, "type": _TABLE}  # noqa: RUF012 (marshmallow's)


class BudgetSchema(_Table):
    limit = Size()
    warn = Size()


class StripSchema(_Table):
    level = Choice(*get_args(StripLevel))
    keep = fields.List(Glob(), error_messages={"invalid": "a list of globs"})
    remove = fields.List(Glob(), error_messages={"invalid": "a list of globs"})


class ModelSchema(_Table):
    source = SourceUrl(required=True, error_messages={"required": SourceUrl.allowed})
    path = AppPath()
    sha256 = Sha256()

    @post_load
    def _build(self, data: dict[str, Any], **kwargs: Any) -> ModelSettings:
        sha256 = data.get("sha256")
        return ModelSettings(
            source=data["source"],
            path=data.get("path", default_path(data["source"])),
            sha256=sha256.lower() if sha256 else None,
        )


class SettingsSchema(_Table):
    budget = fields.Nested(BudgetSchema)
    strip = fields.Nested(StripSchema)
    models = fields.List(
        fields.Nested(ModelSchema), error_messages={"invalid": "tables that begin with [[models]]"}
    )


def load_table(table: Any) -> tuple[dict[str, Any], list[tuple[KeyPath, Problem]]]:
    """What `table` says, or a problem, with its key's path, for each part that says nothing."""
    try:
        return SettingsSchema().load(table), []
    except ValidationError as error:
        leaves = sorted(_leaves(error.messages), key=lambda leaf: _position(leaf[0]))
        return {}, [(path, _problem(table, path, text)) for path, text in leaves]


def key_name(path: KeyPath) -> str:
    """`("models", 0, "path")` as "models[0].path"."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def _leaves(errors: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Each error message with its path; "_schema" stands for the table as a whole."""
    if isinstance(errors, Mapping):
        for key, value in errors.items():
            of_the_table = key == "_schema" and value != [_UNKNOWN]
            yield from _leaves(value, path if of_the_table else (*path, key))
    else:
        yield path, str(errors[0])


def _problem(table: Any, path: KeyPath, message: str) -> Problem:
    """A problem whose `where` is only the key: whoever knows the file adds its name."""
    found = _describe(_look_up(table, path))
    if message != _UNKNOWN:
        return Problem(where=key_name(path), found=found, allowed=message)
    known = sorted(_known_keys(path[:-1]))
    close = get_close_matches(str(path[-1]), known, n=1)
    hint = f'Perhaps you meant "{close[0]}"?' if close else ""
    return Problem(key_name(path), "a key that Slugfit does not know", ", ".join(known), hint)


def _position(path: KeyPath) -> list[tuple[int, str]]:
    """Sorts as the schema lists its keys, unknown ones last: the same order in every build."""
    positions = []
    for depth, part in enumerate(path):
        known = _known_keys(path[:depth])
        position = part if isinstance(part, int) else len(known)
        positions.append((known.index(part) if part in known else position, str(part)))
    return positions


def _look_up(table: Any, path: KeyPath) -> object:
    for part in path:
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return table


def _describe(value: object) -> str:
    if value is _MISSING:  # the constant, not an equal text in the file
        return _MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "a table"
    return str(value)


def _known_keys(path: KeyPath) -> list[str]:
    """The keys of the table at `path`, read off the schema itself."""
    schema: Schema = SettingsSchema()
    for part in path:
        if isinstance(part, int):
            continue
        field = schema.fields[part]
        inner = field.inner if isinstance(field, fields.List) else field
        schema = inner.schema if isinstance(inner, fields.Nested) else schema
    return list(schema.fields)
