"""Config vars in a .env file: KEY=VALUE lines, as `heroku local` and dotenv read them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from slugfit.base.errors import Explanation, Failure

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_COMMENT = re.compile(r"\s#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class EnvUnreadable(Failure):
    """Lines that are not config vars. They may hold secrets: only their numbers are shown."""

    id = "build::env-unreadable"

    def __init__(self, where: str, problems: tuple[str, ...]) -> None:
        self.where = where
        self.problems = problems

    def explain(self) -> Explanation:
        return Explanation(
            summary="These config vars can't be read.",
            where=self.where,
            evidence=self.problems,
            fixes=(
                "Write one per line, with or without quotes:\n"
                'AWS_REGION=eu-west-1\nGREETING="two\\nlines"',
            ),
        )


def read_env_file(path: Path) -> dict[str, str]:
    """The config vars of a file; the last one of a name counts. Raises EnvUnreadable."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise EnvUnreadable(str(path), (reason,)) from error
    # Not splitlines: that ends lines at characters which a value may have.
    numbered = enumerate(text.split("\n"), start=1)
    lines = {f"line {number}": line.strip() for number, line in numbered}
    lines = {name: line for name, line in lines.items() if line and not line.startswith("#")}
    return _read(str(path), lines)


def read_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Config vars given as arguments, whose values are taken as they are. Raises EnvUnreadable."""
    found: dict[str, str] = {}
    for number, pair in enumerate(pairs, start=1):
        line = _LINE.fullmatch(pair)
        if line is None or pair.startswith("export"):
            raise EnvUnreadable("--env", (f"number {number}: not KEY=VALUE",))
        found[line[1]] = pair.partition("=")[2]
    return found


def _read(where: str, lines: dict[str, str]) -> dict[str, str]:
    parsed = {name: _parse(line) for name, line in lines.items()}
    problems = tuple(f"{name}: not KEY=VALUE" for name, pair in parsed.items() if pair is None)
    if problems:
        raise EnvUnreadable(where, problems)
    return dict(pair for pair in parsed.values() if pair is not None)


def _parse(line: str) -> tuple[str, str] | None:
    found = _LINE.fullmatch(line)
    value = None if found is None else _value(found[2])
    return None if found is None or value is None else (found[1], value)


def _value(text: str) -> str | None:
    """What the text after "=" stands for; None when a quote does not end."""
    bare = text.strip()
    if single := _SINGLE.fullmatch(bare):
        return single[1]
    if double := _DOUBLE.fullmatch(bare):
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), double[1])
    return None if bare[:1] in ("'", '"') else _COMMENT.sub("", text).strip()
