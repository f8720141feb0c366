"""slugfit.lock: which contents a build accepts, written by `slugfit lock` and committed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, post_load
from marshmallow.validate import Equal

from slugfit.errors import Explanation, Failure
from slugfit.settings.fields import Sha256, Text
from slugfit.settings.model import ModelSettings
from slugfit.settings.problems import key_name, leaves
from slugfit.settings.schema import UNKNOWN, Table
from slugfit.settings.urls import display_of, parse
from slugfit.toml import loads

LOCK_FILE = "slugfit.lock"
_HEADER = "# Written by `slugfit lock`. Commit it: a build then refuses anything else.\n"
_VERSION = 1
_READABLE = f"{_VERSION}, the version that this Slugfit reads"
_ANEW = f"write the lock anew and commit it:\nbin/slugfit lock\ngit add {LOCK_FILE}"
_WRITE_ANEW = f"In the app's directory on your computer, {_ANEW}"

# A source as people may see it, and which of its files are taken.
Key = tuple[str, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Locked:
    """A source's content. Of a prefix, `size` is the sum and `sha256` that of its manifest."""

    source: str
    size: int
    sha256: str
    etag: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.source, self.include, self.exclude

    @classmethod
    def of(cls, model: ModelSettings, size: int, sha256: str, etag: str | None = None) -> Locked:
        """The entry for the content that a model was found to have."""
        return cls(display_of(model.source), size, sha256, etag, model.include, model.exclude)


Lock = Mapping[Key, Locked]


class LockMalformed(Failure):
    """A lock that `slugfit lock` did not write so. `detail` says where and what."""

    id = "lock::malformed"

    def __init__(self, detail: str) -> None:
        self.detail = detail

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"{LOCK_FILE} can't be read.",
            where=LOCK_FILE,
            evidence=(self.detail,),
            why="Without it, nothing tells whether the models are the ones you mean.",
            fixes=(_WRITE_ANEW,),
        )


class LockOutdated(Failure):
    """Models that the lock knows nothing of."""

    id = "lock::outdated"

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = sources

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"{LOCK_FILE} does not name every model.",
            evidence=("not in it:", *(f"  {source}" for source in self.sources)),
            why=f"With a {LOCK_FILE}, a build takes only what was seen when it was written.",
            fixes=(_WRITE_ANEW,),
        )

    def __str__(self) -> str:
        return f"{LOCK_FILE} does not name {', '.join(self.sources)}"


class LockConflict(Failure):
    """The configuration and the lock name different contents of the same sources."""

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
                f"If the configuration is right, {_ANEW}",
            ),
        )

    def __str__(self) -> str:
        sources = ", ".join(locked.source for _, locked in self.conflicts)
        return f"The configuration and {LOCK_FILE} disagree: {sources}"


class LockAmbiguous(Failure):
    """Different contents whose sources differ in the query string alone."""

    id = "lock::ambiguous"

    def __init__(self, source: str) -> None:
        self.source = source

    def explain(self) -> Explanation:
        return Explanation(
            summary="Two different models would have one name in the lock.",
            where=self.source,
            why="Their sources differ only in the query string, which can hold a signature and\n"
            "is therefore not written into a file that you commit.",
            fixes=(
                "Give each of them an address of its own.",
                f"Pin the models in the configuration, with sha256, and remove {LOCK_FILE}.",
            ),
        )


class _Bytes(fields.Field[int]):
    """A number of bytes."""

    allowed = "a number of bytes"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValidationError(self.allowed)
        return value


def _globs() -> fields.List[str]:
    return fields.List(Text(), error_messages={"invalid": "a list of globs"})


def _required(kind: type[_Bytes | Text]) -> _Bytes | Text:
    return kind(required=True, error_messages={"required": kind.allowed})


class _Entry(Table):
    source = _required(Text)
    size = _required(_Bytes)
    sha256 = _required(Sha256)
    etag = Text()
    include = _globs()
    exclude = _globs()  # type: ignore[assignment] # a field, not Schema's own attribute

    @post_load
    def _build(self, data: dict[str, Any], **kwargs: Any) -> Locked:
        globs = {key: tuple(data.get(key, ())) for key in ("include", "exclude")}
        return Locked(**data | globs)


class _Document(Table):
    version = fields.Raw(
        required=True,
        validate=Equal(_VERSION, error=_READABLE),
        error_messages={"required": _READABLE},
    )
    models = fields.List(
        fields.Nested(_Entry), load_default=[], error_messages={"invalid": "a list of tables"}
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
    lock = _by_key(sorted(locked, key=lambda entry: (entry.key, entry.etag or "")))
    tables = (f"\n[[models]]\n{_lines(entry)}" for entry in lock.values())
    return f"{_HEADER}version = {_VERSION}\n{''.join(tables)}"


def lock_models(models: tuple[ModelSettings, ...], lock: Lock | None) -> tuple[ModelSettings, ...]:
    """The models, those from a store with the lock's checksum. Raises LockOutdated, LockConflict.

    Without a lock, they are as they were.
    """
    if lock is None:
        return models
    stored = [(model, lock.get(_key(model))) for model in models if parse(model.source)]
    if outdated := tuple(_name(model) for model, locked in stored if locked is None):
        raise LockOutdated(outdated)
    pinned = ((model.sha256, locked) for model, locked in stored if locked and model.sha256)
    if conflicts := tuple((sha256, locked) for sha256, locked in pinned if sha256 != locked.sha256):
        raise LockConflict(conflicts)
    return tuple(_pin(model, lock.get(_key(model))) for model in models)


def _pin(model: ModelSettings, locked: Locked | None) -> ModelSettings:
    return replace(model, sha256=locked.sha256) if locked and parse(model.source) else model


def _by_key(entries: Iterable[Locked]) -> dict[Key, Locked]:
    lock: dict[Key, Locked] = {}
    for entry in entries:
        if lock.setdefault(entry.key, entry).sha256 != entry.sha256:
            raise LockAmbiguous(entry.source)
    return lock


def _lines(locked: Locked) -> str:
    values = {key: value for key, value in asdict(locked).items() if value not in (None, ())}
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: str | int | tuple[str, ...]) -> str:
    """A value as TOML has it: as JSON, but for one control character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(model: ModelSettings) -> Key:
    return display_of(model.source), model.include, model.exclude


def _name(model: ModelSettings) -> str:
    source, include, exclude = _key(model)
    selection = {"include": include, "exclude": exclude}
    return source + "".join(f", {key} {', '.join(g)}" for key, g in selection.items() if g)
