"""What the URLs of all stores have in common. The form of each is declared in its store's file."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from slugfit.stores.store import Store

BUCKET = "[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
PATH = "[^?#]*"
ESCAPES = '\n           (in names, "#", "?" and "%" are written "%23", "%3F" and "%25")'
# What would end a line, or lead a terminal astray: only ever percent-encoded.
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_RAW_CONTROL = re.compile(f"[{_CONTROL}\ud800-\udfff]")
_RESERVED = re.compile(f"[{_CONTROL}%?#]")

Parse = Callable[[str], "StoreUrlT | None"]


class StoreUrl(ABC):
    """What a URL names in a store: an object, or all objects whose names begin alike."""

    @property
    @abstractmethod
    def store(self) -> Store[Any, Any]:
        """The kind of store that has it."""

    @property
    @abstractmethod
    def display(self) -> str:
        """The URL as people may see it: no credentials, and nothing that could be a signature."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of the name; "" when there is none."""

    @property
    @abstractmethod
    def is_prefix(self) -> bool:
        """Whether it names all that the store has below a name."""

    @property
    @abstractmethod
    def look_at(self) -> str:
        """A command or a page that shows what is there, or beside it."""


class ObjectUrl(StoreUrl):
    """An object, or with a slash at its end, all objects whose names begin so."""

    @property
    @abstractmethod
    def parts(self) -> tuple[str, str, str]:
        """The URL up to the object's name, that name, and the query with its version."""

    @property
    def is_prefix(self) -> bool:
        name = self.parts[1]
        return not name or name.endswith("/")

    @property
    def name(self) -> str:
        """The last part of the object's name, or what holds all objects."""
        root, name, _ = self.parts
        return name.rstrip("/").rpartition("/")[2] or root.rpartition("/")[2].partition("@")[0]

    @property
    def display(self) -> str:
        """The one spelling of this URL. It parses to an equal one."""
        root, name, version = self.parts
        return f"{root}/{encoded(name)}{version}"

    @property
    def directory(self) -> str:
        """As `display`, up to the last slash."""
        return self.display.rpartition("/")[0] + "/"


StoreUrlT = TypeVar("StoreUrlT", bound=StoreUrl)
ObjectUrlT = TypeVar("ObjectUrlT", bound=ObjectUrl)


def by_form(kind: type[ObjectUrlT], form: str, flags: int = 0) -> Parse[ObjectUrlT]:
    """Parses URLs of the regular expression `form`, whose groups are the fields of `kind`."""
    pattern = re.compile(form, flags)

    def parse(url: str) -> ObjectUrlT | None:
        match = pattern.fullmatch(url)
        if not match:
            return None
        groups = match.groupdict().items()
        found = kind(**{name: unquote(part) for name, part in groups if part is not None})
        # Only an object has versions.
        return None if found.is_prefix and "?" in url else found

    return parse


def has_control_characters(text: str) -> bool:
    """Whether there are any that a URL can only have percent-encoded."""
    return bool(_RAW_CONTROL.search(text))


def encoded(name: str) -> str:
    """`name` with percent-encoded only what would be read as something else."""
    return _RESERVED.sub(lambda match: quote(match[0], safe=""), name)
