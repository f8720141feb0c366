"""The tables of a configuration, each declared as a frozen dataclass.

A field says all there is to know of a key: its type, what values are allowed, its default, and
the config var that sets it. The schema that checks a file is derived from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, post_load, validates_schema
from marshmallow.fields import Field, Nested

UNKNOWN = "unknown key"
_TABLE = "a table"
_KEY = "key"


@dataclass(frozen=True)
class Key:
    """`kind` is what it allows, `default` as TOML has it, `var` the config var that sets it."""

    kind: Field[Any]
    default: Any = None
    var: str | None = None


def key(kind: Field[Any], default: Any = None, *, var: str | None = None, repr: bool = True) -> Any:  # noqa: A002 (dataclasses call it so)
    """A field of a dataclass, which is None without a default."""
    value = None if default is None else kind.deserialize(default)
    return field(default=value, repr=repr, metadata={_KEY: Key(kind, default, var)})


def required(kind: Field[Any], *, var: str | None = None) -> Mapping[str, Key]:
    """The metadata of a field that every table has."""
    kind.required = True
    kind.error_messages["required"] = kind.allowed  # type: ignore[attr-defined] # of each of ours
    return computed(kind, var=var)


def computed(kind: Field[Any], *, var: str | None = None) -> Mapping[str, Key]:
    """The metadata of a field that `from_table` fills in when the table has no such key."""
    return {_KEY: Key(kind, var=var)}


def keys_of(settings: type) -> dict[str, Key]:
    """The keys of the table that a dataclass declares, in its order."""
    return {f.name: f.metadata[_KEY] for f in fields(settings) if _KEY in f.metadata}


class ConfigTable(Schema):
    """A table that takes no key but its own."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": UNKNOWN, "type": _TABLE}  # noqa: RUF012 (marshmallow's)


class Checked:
    """A table whose keys have to fit one another."""

    @classmethod
    def misfits(cls, table: Mapping[str, Any]) -> dict[str, str]:
        """What is allowed instead, for each key of a valid `table` that does not fit the rest."""
        return {}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Any:
        """The settings that a valid table makes."""
        return cls(**table)


def schema_of(settings: type) -> type[ConfigTable]:
    """Loads a table as a dict of its keys' values, or as `settings` if those are Checked."""
    kinds = {name: key.kind for name, key in keys_of(settings).items()}
    base = _checking(settings) if issubclass(settings, Checked) else ConfigTable
    return base.from_dict(kinds, name=settings.__name__)  # type: ignore[return-value] # a ConfigTable


def nested(settings: type[Checked]) -> Nested:
    """A table in a table."""
    return Nested(schema_of(settings))


def _checking(settings: type[Checked]) -> type[ConfigTable]:
    class CheckedTable(ConfigTable):
        @validates_schema
        def _check_fit(self, data: dict[str, Any], **kwargs: Any) -> None:
            if unfit := settings.misfits(data):
                raise ValidationError({key: [allowed] for key, allowed in unfit.items()})

        @post_load
        def _build(self, data: dict[str, Any], **kwargs: Any) -> Any:
            return settings.from_table(data)

    return CheckedTable
