"""What is wrong with a configuration, in words that name the key.

marshmallow visits every key and collects all errors; this module turns its error tree into
problems that say what was found and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields

from slugfit.base.errors import Problem
from slugfit.settings.fields import VarName
from slugfit.settings.keys import UNKNOWN, ConfigTable, nested, schema_of
from slugfit.settings.model import SECTIONS, ModelSettings

_MISSING: Final = "nothing: the key is missing"

KeyPath = tuple[str | int, ...]

_Schema = ConfigTable.from_dict(
    {
        **{name: fields.Nested(schema_of(settings)) for name, settings in SECTIONS.items()},
        "models": fields.List(
            nested(ModelSettings), error_messages={"invalid": "tables that begin with [[models]]"}
        ),
    }
)


def load_table(table: Any) -> tuple[dict[str, Any], list[tuple[KeyPath, Problem]]]:
    """The values in `table`, or a problem with its key's path for each one that is not valid."""
    try:
        return _Schema().load(table), []
    except ValidationError as error:
        found = sorted(leaves(error.messages), key=lambda leaf: _position(leaf[0]))
        return {}, [(path, _problem(table, path, text)) for path, text in found]


def key_name(path: KeyPath) -> str:
    """`("models", 0, "path")` as "models[0].path"."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def leaves(errors: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Each error message with its path; "_schema" stands for the table as a whole."""
    if isinstance(errors, Mapping):
        for key, value in errors.items():
            of_the_table = key == "_schema" and value != [UNKNOWN]
            yield from leaves(value, path if of_the_table else (*path, key))
    else:
        yield path, str(errors[0])


def _problem(table: Any, path: KeyPath, message: str) -> Problem:
    """A problem whose `where` is only the key: the caller adds the name of the file."""
    value = _look_up(table, path)
    if message == VarName.allowed:
        return Problem(key_name(path), *VarName.describe(value))
    if message != UNKNOWN:
        return Problem(where=key_name(path), found=_describe(value), allowed=message)
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
    if value is _MISSING:  # the constant, not an equal string in the file
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
    schema: Schema = _Schema()
    for part in path:
        if isinstance(part, int):
            continue
        field = schema.fields[part]
        inner = field.inner if isinstance(field, fields.List) else field
        schema = inner.schema if isinstance(inner, fields.Nested) else schema
    return list(schema.fields)
