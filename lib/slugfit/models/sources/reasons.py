"""Why a client gave up, in words that are safe to show.

The clients' own messages repeat the URL, query string included. Their classes are named here, not
imported: a build has only the clients that it needs.
"""

from __future__ import annotations

# The first class that fits an error, from its innermost cause outwards, has the words.
_WORDS = {
    "builtins.TimeoutError": "no answer in time",
    "urllib3.exceptions.TimeoutError": "no answer in time",
    "http.client.RemoteDisconnected": "the server closed the connection without an answer",
    "http.client.HTTPException": "the answer is not HTTP",
    "requests.exceptions.TooManyRedirects": "it redirects in circles",
    "requests.exceptions.InvalidHeader": "the credentials have what no header can have",
    "builtins.UnicodeEncodeError": "the credentials have what no header can have",
    "botocore.exceptions.ParamValidationError": "S3 knows no such name of a bucket or key",
    "botocore.exceptions.InvalidRegionError": "S3 knows no such region or endpoint",
    "botocore.exceptions.EndpointResolutionError": "S3 knows no such region or endpoint",
    "requests.exceptions.InvalidSchema": "it leads to a URL that is not http(s)",
    "builtins.ValueError": "it leads to a URL that is not http(s)",
    "urllib3.exceptions.ProtocolError": "the connection broke off",
}


def reason(error: BaseException) -> str:
    """The innermost cause that has words, such as "reason: Connection refused"."""
    words = (_words(cause) for cause in reversed(_causes(error)))
    return f"reason: {next(filter(None, words), 'unknown')}"


def _words(error: BaseException) -> str | None:
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    if "urllib3.exceptions.IncompleteRead" in kinds:
        return f"the connection closed after {getattr(error, 'partial', 'some')} bytes"
    if "botocore.exceptions.IncompleteReadError" in kinds:
        received = getattr(error, "kwargs", {}).get("actual_bytes", "some")
        return f"the connection closed after {received} bytes"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next((words for kind, words in _WORDS.items() if kind in kinds), None)


def _causes(error: BaseException) -> list[BaseException]:
    """`error`, and what it was raised for, from the outside in."""
    chain: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in chain:
        chain.append(inner)
        wrapped = [getattr(inner, "reason", None), *inner.args, inner.__cause__, inner.__context__]
        inner = next((cause for cause in wrapped if isinstance(cause, BaseException)), None)
    return chain
