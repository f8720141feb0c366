"""Whether a requirement holds here: PEP 508's markers, as far as metadata in the wild has them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping

from slugfit.distributions import normalized

# None: there is no telling.
Truth = bool | None

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>[()]|===|==|!=|~=|<=|>=|<|>|\bnot\s+in\b|\bin\b|\band\b|\bor\b)"""
    r"""|(?P<text>'[^']*'|"[^"]*")|(?P<name>[A-Za-z_][\w.]*))\s*"""
)
_ORDER: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_VERSIONS = frozenset(("python_version", "python_full_version"))
_DEEPEST = 50


def environment(python_version: str) -> dict[str, str]:
    """The markers of a dyno under a CPython of this version, "3.12.4"."""
    return {
        "python_version": ".".join(python_version.split(".")[:2]),
        "python_full_version": python_version,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }


def holds(marker: str, env: Mapping[str, str], extras: Collection[str] = ()) -> Truth:
    """Whether `marker` is true with these extras, or None when that can't be told."""
    tokens = _tokens(marker)
    if not tokens:
        return None if tokens is None else True
    reader = _Reader(tokens, env, extras)
    try:
        truth = reader.either(0)
    except (IndexError, ValueError):
        return None
    return truth if reader.is_done else None


def _tokens(marker: str) -> list[tuple[str, str]] | None:
    """The (kind, text) of each token; None for what is no marker."""
    found, position, text = [], 0, marker.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            return None
        kind = str(match.lastgroup)
        found.append((kind, " ".join(match[kind].split()) if kind == "op" else match[kind]))
        position = match.end()
    return found


class _Reader:
    """Evaluates while it reads. Raises IndexError or ValueError where a marker is malformed."""

    def __init__(
        self, tokens: list[tuple[str, str]], env: Mapping[str, str], extras: Collection[str]
    ) -> None:
        self._tokens = tokens
        self._at = 0
        self._env = env
        self._extras = frozenset(map(normalized, extras))

    @property
    def is_done(self) -> bool:
        return self._at == len(self._tokens)

    def either(self, depth: int) -> Truth:
        """All up to the end, or to a closing parenthesis."""
        truths = [self._both(depth)]
        while self._take("or"):
            truths.append(self._both(depth))
        return True if True in truths else None if None in truths else False

    def _both(self, depth: int) -> Truth:
        truths = [self._one(depth)]
        while self._take("and"):
            truths.append(self._one(depth))
        return False if False in truths else None if None in truths else True

    def _one(self, depth: int) -> Truth:
        if depth > _DEEPEST:
            raise ValueError
        if self._take("("):
            truth = self.either(depth + 1)
            if not self._take(")"):
                raise ValueError
            return truth
        left, (kind, comparison), right = self._next(), self._next(), self._next()
        if kind != "op" or "op" in (left[0], right[0]):
            raise ValueError
        return self._compare(left, comparison, right)

    def _compare(self, left: tuple[str, str], comparison: str, right: tuple[str, str]) -> Truth:
        names = [text for kind, text in (left, right) if kind == "name"]
        if names == ["extra"]:
            wanted = _unquoted(right if left[0] == "name" else left)
            return self._has_extra(wanted, comparison)
        values = [self._value(token) for token in (left, right)]
        if values[0] is None or values[1] is None:
            return None
        return _is(values[0], comparison, values[1], bool(_VERSIONS.intersection(names)))

    def _has_extra(self, extra: str, comparison: str) -> Truth:
        if comparison not in {"==", "!="}:
            return None
        return (normalized(extra) in self._extras) == (comparison == "==")

    def _value(self, token: tuple[str, str]) -> str | None:
        return _unquoted(token) if token[0] == "text" else self._env.get(token[1])

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, op: str) -> bool:
        found = not self.is_done and self._tokens[self._at] == ("op", op)
        self._at += found
        return found


def _is(left: str, comparison: str, right: str, are_versions: bool) -> Truth:
    if comparison in {"in", "not in"}:
        return (left in right) == (comparison == "in")
    if are_versions and comparison in _ORDER:
        one, other = _version(left), _version(right)
        return _ORDER[comparison](one, other) if one and other else None
    if comparison in {"==", "!="}:
        return (left == right) == (comparison == "==")
    return None


def _version(text: str) -> tuple[int, ...]:
    """Its numbers, without zeros at the end; () when it has others than numbers."""
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return ()
    numbers = [int(part) for part in parts]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _unquoted(token: tuple[str, str]) -> str:
    return token[1][1:-1]
