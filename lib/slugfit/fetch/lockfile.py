"""slugfit.lock: which contents a build accepts, written by `slugfit lock` and committed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields
from marshmallow.validate import Equal

from slugfit.base.errors import Explanation, Failure
from slugfit.base.toml import loads
from slugfit.settings.fields import Globs, Sha256, Text
from slugfit.settings.keys import UNKNOWN, Checked, ConfigTable, key, nested, required
from slugfit.settings.model import ModelSettings
from slugfit.settings.problems import key_name, leaves
from slugfit.stores.location import StoreLocation

LOCK_FILE = "slugfit.lock"
_HEADER = "# Written by `slugfit lock`. Commit it: a build then refuses anything else.\n"
_VERSION = 1
_READABLE = f"{_VERSION}, the version that this Slugfit reads"
_LOCK_AGAIN = f"write the lock again and commit it:\nbin/slugfit lock\ngit add {LOCK_FILE}"
_WRITE_LOCK = f"In the app's directory on your computer, {_LOCK_AGAIN}"

# A source without its secrets, and which of its files are fetched.
Selection = tuple[str, tuple[str, ...], tuple[str, ...]]


class _Bytes(fields.Field[int]):
    """A number of bytes."""

    allowed = "a number of bytes"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValidationError(self.allowed)
        return value


@dataclass(frozen=True)
class Locked(Checked):
    """A source's content. Of a prefix, `size` is the sum and `sha256` that of its manifest."""

    source: str = field(metadata=required(Text()))
    size: int = field(metadata=required(_Bytes()))
    sha256: str = field(metadata=required(Sha256()))
    etag: str | None = key(Text())
    include: tuple[str, ...] = key(Globs(Text()), [])
    exclude: tuple[str, ...] = key(Globs(Text()), [])

    @property
    def selection(self) -> Selection:
        return self.source, self.include, self.exclude

    @classmethod
    def of(cls, model: ModelSettings, size: int, sha256: str, etag: str | None = None) -> Locked:
        """The entry for the content that a model was found to have."""
        return cls(model.source.display, size, sha256, etag, model.include, model.exclude)


Lock = Mapping[Selection, Locked]


class LockMalformed(Failure):
    """A lock that `slugfit lock` has not written. `detail` says where and what."""

    id = "lock::malformed"

    def __init__(self, detail: str) -> None:
        self.detail = detail

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"{LOCK_FILE} can't be read.",
            where=LOCK_FILE,
            evidence=(self.detail,),
            why="Without it, a build can't tell whether the models are the ones you mean.",
            fixes=(_WRITE_LOCK,),
        )


class LockOutdated(Failure):
    """Models that are not in the lock."""

    id = "lock::outdated"

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = sources

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"{LOCK_FILE} does not name every model.",
            evidence=("not in it:", *(f"  {source}" for source in self.sources)),
            why=f"With a {LOCK_FILE}, a build only accepts the contents that are listed in it.",
            fixes=(_WRITE_LOCK,),
        )

    def __str__(self) -> str:
        return f"{LOCK_FILE} does not name {', '.join(self.sources)}"


class LockConflict(Failure):
    """The configuration and the lock have different checksums for the same sources."""

    id = "lock::conflict"

    def __init__(self, conflicts: tuple[tuple[str, Locked], ...]) -> None:
        self.conflicts = conflicts

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The configuration and {LOCK_FILE} disagree.",
            evidence=tuple(
                f"{locked.source}\n  configuration: {sha256}\n  {LOCK_FILE}:  {locked.sha256}"
                for sha256, locked in self.conflicts
            ),
            why="Only one of the two checksums can be the one you mean.",
            fixes=(
                "If the lock is right, remove the sha256 from the configuration.",
                f"If the configuration is right, {_LOCK_AGAIN}",
            ),
        )

    def __str__(self) -> str:
        sources = ", ".join(locked.source for _, locked in self.conflicts)
        return f"The configuration and {LOCK_FILE} disagree: {sources}"


class LockAmbiguous(Failure):
    """Different contents whose sources only differ in the query string."""

    id = "lock::ambiguous"

    def __init__(self, source: str) -> None:
        self.source = source

    def explain(self) -> Explanation:
        return Explanation(
            summary="Two different models would have the same name in the lock.",
            where=self.source,
            why="Their sources differ only in the query string, which can hold a signature and\n"
            "is therefore not written into a file that you commit.",
            fixes=(
                "Give each of them a URL with a different path.",
                f"Pin the models in the configuration, with sha256, and remove {LOCK_FILE}.",
            ),
        )


class _Document(ConfigTable):
    version = fields.Raw(
        required=True,
        validate=Equal(_VERSION, error=_READABLE),
        error_messages={"required": _READABLE},
    )
    models = fields.List(
        nested(Locked), load_default=[], error_messages={"invalid": "a list of tables"}
    )


def read_lock(app: Path) -> Lock | None:
    """The app's lock; None when it has none. Raises LockMalformed."""
    try:
        document = loads((app / LOCK_FILE).read_text(encoding="utf-8-sig"))
        return _by_key(_Document().load(document)["models"])
    except FileNotFoundError:
        return None
    except ValidationError as error:
        path, message = next(leaves(error.messages))
        found = message if message == UNKNOWN else f"not {message}"
        raise LockMalformed(f"{key_name(path)}: {found}") from error
    except LockAmbiguous as error:
        raise LockMalformed(f"two contents of {error.source}") from error
    except (ValueError, RecursionError) as error:
        raise LockMalformed(str(error)) from error


def write_lock(locked: Iterable[Locked]) -> str:
    """The lock's text, the same for the same contents in any order. Raises LockAmbiguous."""
    lock = _by_key(sorted(locked, key=lambda entry: (entry.selection, entry.etag or "")))
    tables = (f"\n[[models]]\n{_lines(entry)}" for entry in lock.values())
    return f"{_HEADER}version = {_VERSION}\n{''.join(tables)}"


def lock_models(models: tuple[ModelSettings, ...], lock: Lock | None) -> tuple[ModelSettings, ...]:
    """The models, those from a store with the lock's checksum. Raises LockOutdated, LockConflict.

    Without a lock, they are as they were.
    """
    if lock is None:
        return models
    from_stores = [model for model in models if isinstance(model.source, StoreLocation)]
    stored = [(model, lock.get(_selection(model))) for model in from_stores]
    if outdated := tuple(_name(model) for model, locked in stored if locked is None):
        raise LockOutdated(outdated)
    pinned = ((model.sha256, locked) for model, locked in stored if locked and model.sha256)
    if conflicts := tuple((sha256, locked) for sha256, locked in pinned if sha256 != locked.sha256):
        raise LockConflict(conflicts)
    return tuple(_pin(model, lock) for model in models)


def _pin(model: ModelSettings, lock: Lock) -> ModelSettings:
    if not isinstance(model.source, StoreLocation):
        return model
    return replace(model, sha256=lock[_selection(model)].sha256)


def _by_key(entries: Iterable[Locked]) -> dict[Selection, Locked]:
    lock: dict[Selection, Locked] = {}
    for entry in entries:
        if lock.setdefault(entry.selection, entry).sha256 != entry.sha256:
            raise LockAmbiguous(entry.source)
    return lock


def _lines(locked: Locked) -> str:
    values = {key: value for key, value in asdict(locked).items() if value not in (None, ())}
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: str | int | tuple[str, ...]) -> str:
    """A value as TOML has it: as JSON, but for one control character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _selection(model: ModelSettings) -> Selection:
    return model.source.display, model.include, model.exclude


def _name(model: ModelSettings) -> str:
    source, include, exclude = _selection(model)
    selection = {"include": include, "exclude": exclude}
    return source + "".join(f", {key} {', '.join(g)}" for key, g in selection.items() if g)
