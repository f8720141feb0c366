"""Why a client gave up, in words that are safe to show.

The clients' own messages repeat the URL, query string included.
"""

from __future__ import annotations

from urllib3.exceptions import IncompleteRead


def reason(error: BaseException) -> str:
    """The innermost cause in the system's words, such as "reason: Connection refused"."""
    deepest = error
    seen = {id(error)}
    while (inner := _inner(deepest)) is not None and id(inner) not in seen:
        seen.add(id(inner))
        deepest = inner
    if isinstance(deepest, IncompleteRead):
        return f"reason: the connection closed after {deepest.partial} bytes"
    return f"reason: {getattr(deepest, 'strerror', None) or type(deepest).__name__}"


def _inner(error: BaseException) -> BaseException | None:
    wrapped = getattr(error, "reason", None)
    arguments = [a for a in (wrapped, *error.args) if isinstance(a, BaseException)]
    return next(iter(arguments), None) or error.__cause__ or error.__context__
