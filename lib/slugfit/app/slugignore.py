"""`.slugignore`: what the platform deletes from the app before any buildpack runs.

Heroku documents the format as roughly that of .gitignore, without `!` (Dev Center, "Slug
Compiler"). The code that it once published is exact: `prune_slugignore` in
github.com/heroku/slug-compiler, which was still part of its builder in 2021, according to
github.com/CGA1123/slugcmplr/pull/18. A gitignore library would read the file in another way, for
each word in it is a glob for Ruby's Dir[]:

- a word with a slash is relative to the root of the app, even `docs/`, a directory;
- any other word matches in every directory that is not hidden;
- wildcards do not match a dot at the beginning of a name, `{a,b}` is `a` or `b`, and `!` is an
  ordinary character.

There, the words of a comment are globs, too. Here they are not: comments are not written for that,
and a build that lacks a file by mistake is worse than a forecast that counts one too many.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from slugfit.base.globs import matcher

_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")


def without_ignored(app: Path, files: Iterable[str]) -> Iterator[str]:
    """Those of `files`, paths relative to `app`, that its .slugignore does not name."""
    is_ignored = _reader(app)
    return (path for path in files if not is_ignored(_marked(app, path)))


def apply_slugignore(app: Path) -> None:
    """Delete from `app` what its .slugignore names."""
    is_ignored = _reader(app)
    for directory, subdirectories, names in os.walk(app):
        for name in (*subdirectories, *names):
            path = Path(directory, name)
            if is_ignored(_marked(app, path.relative_to(app).as_posix())):
                _delete(path)
        subdirectories[:] = [name for name in subdirectories if Path(directory, name).exists()]


def _reader(app: Path) -> Callable[[str], bool]:
    """A function that tells whether a path is ignored; a directory's path ends with a slash."""
    file = app / ".slugignore"
    lines = file.read_bytes().splitlines() if file.is_file() else []
    words = (os.fsdecode(word) for line in lines for word in line.partition(b"#")[0].split())
    return matcher([glob for word in words for glob in _globs(word)], hidden=False)


def _globs(word: str) -> Iterator[str]:
    if word.strip("./"):  # else it would be the app itself
        prefix = "" if "/" in word else "**/"
        yield from (prefix + glob for glob in _expanded(word))


def _expanded(word: str) -> list[str]:
    """`a.b` and `a.c` of `a.{b,c}`."""
    match = _ALTERNATIVES.search(word)
    if not match:
        return [word]
    before, after = word[: match.start()], word[match.end() :]
    return [w for one in match[1].split(",") for w in _expanded(before + one + after)]


def _marked(app: Path, path: str) -> str:
    return f"{path}/" if (app / path).is_dir() else path


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
