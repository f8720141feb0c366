"""Why a client gave up, in words that are safe to print.

The clients' own messages contain the URL with its query string. Their classes are named here, not
imported: a build only has the clients that it needs.
"""

from __future__ import annotations

# The first class that matches, from an error's innermost cause outwards.
_WORDS = {
    "builtins.TimeoutError": "timed out",
    "urllib3.exceptions.TimeoutError": "timed out",
    "http.client.RemoteDisconnected": "the server closed the connection without a response",
    "http.client.HTTPException": "the response is not HTTP",
    "requests.exceptions.TooManyRedirects": "too many redirects",
    "requests.exceptions.InvalidHeader": "the credentials have characters that a header can't have",
    "builtins.UnicodeEncodeError": "the credentials have characters that a header can't have",
    "botocore.exceptions.ParamValidationError": "not a valid name of an S3 bucket or key",
    "botocore.exceptions.InvalidRegionError": "not a valid S3 region or endpoint",
    "botocore.exceptions.EndpointResolutionError": "not a valid S3 region or endpoint",
    "requests.exceptions.InvalidSchema": "it redirects to a URL that is not http(s)",
    "builtins.ValueError": "it redirects to a URL that is not http(s)",
    "urllib3.exceptions.ProtocolError": "the connection broke",
}


def reason(error: BaseException) -> str:
    """The innermost cause that is known, such as "reason: Connection refused"."""
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
