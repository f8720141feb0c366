"""What a kind of store declares. Everything else that depends on the store is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from slugfit.base.errors import Problem
from slugfit.helper.dependencies import Group
from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.urls import Parse, StoreUrlT

S = TypeVar("S")

ConfigVars = Mapping[str, str]
Found = tuple[S, list[Problem]]


def _no_parts(secret: str) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class ConfigVar:
    """A config var that a store reads. What `is_secret` is never shown.

    `parts` are those of a secret that could be shown alone.
    """

    name: str
    is_secret: bool = False
    parts: Callable[[str], Iterable[str]] = _no_parts


def secret(name: str, parts: Callable[[str], Iterable[str]] = _no_parts) -> ConfigVar:
    return ConfigVar(name, is_secret=True, parts=parts)


class ModelOptions(Protocol):
    """What a model's settings ask of its store, beside the URL."""

    @property
    def authorization(self) -> str | None:
        """The value of the Authorization header."""

    @property
    def requester_pays(self) -> bool: ...


@dataclass(frozen=True)
class Advice:
    """What a store's failures say. Each field's name is that of what went wrong."""

    denied: tuple[str, ...]
    rejected: str
    unreachable: str
    denied_why: str = ""
    wrong_key: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    expired_why: str = ""
    skewed_why: str = "The store refuses signatures that are more than 15 minutes off."
    bucket: str = "bucket"
    no_bucket: tuple[str, ...] = ()


@dataclass(frozen=True)
class Risk:
    """Why a model may be another one tomorrow. In the words of a warning."""

    summary: str
    why: str
    advice: str


def _no_risks(url: Any, is_pinned: bool) -> Iterable[Risk]:
    return ()


def _unchanged(settings: S) -> S:
    return settings


@dataclass(frozen=True, eq=False, repr=False)
class Store(Generic[StoreUrlT, S]):
    """A kind of store, whose URLs are parsed to StoreUrlT, and whose settings are an S.

    `example` is a URL for lists of all stores, `form` what a URL of this one can be. `options`
    are the keys of a model that make sense here, each with whether it does for a URL.
    """

    schemes: tuple[str, ...]
    parse: Parse[StoreUrlT]
    example: str
    form: str
    config_vars: tuple[ConfigVar, ...]
    settings_from: Callable[[ConfigVars], Found[S]]
    open: Callable[[StoreUrlT, S, ModelOptions], StoreObject | StoreDirectory]
    """Imports what needs the dependencies of `group`."""
    advice: Advice
    group: Group | None = None
    options: Mapping[str, Callable[[StoreUrlT], bool]] = field(default_factory=dict)
    risks: Callable[[StoreUrlT, bool], Iterable[Risk]] = _no_risks
    """Of a URL, given whether the content is pinned."""
    outside_a_build: Callable[[S], S] = _unchanged
    """The settings on a developer's computer."""

    def __repr__(self) -> str:
        return f"<the store of {self.schemes[0]}://>"


@dataclass(frozen=True)
class StoreSettings:
    """The settings of each store; those of a store that is not named are its defaults."""

    _named: Mapping[Store[Any, Any], Any] = field(default_factory=dict)

    def __getitem__(self, store: Store[StoreUrlT, S]) -> S:
        own: S = self._named[store] if store in self._named else _defaults(store)
        return own

    def having(self, store: Store[StoreUrlT, S], own: S) -> StoreSettings:
        """A copy with other settings for one store."""
        others = {other: named for other, named in self._named.items() if other is not store}
        return StoreSettings(others if own == _defaults(store) else {**others, store: own})


def _defaults(store: Store[StoreUrlT, S]) -> S:
    return store.settings_from({})[0]
