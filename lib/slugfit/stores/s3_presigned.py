"""Presigned URLs for many keys of a bucket, modelled on one that botocore has signed.

For each URL, botocore resolves again what is the same for all: the key, the time and the endpoint.
What remains is two checksums (Signature Version 4, in the query string).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote, urlsplit

UrlOf = Callable[[str], str]

_KEEP = "/~"  # what botocore leaves as it is in a path
_SIGNATURE = "&X-Amz-Signature="


def urls_like(
    example: str, key: str, secret: str | None, headers: Mapping[str, str]
) -> UrlOf | None:
    """A function from a key to its URL, modelled on `example`, the URL of `key`.

    `secret` signs the URLs, for requests with `headers`; without it they are unsigned. None when
    the example has another form: then only botocore can sign.
    """
    try:
        url_of = _signed(example, key, secret, headers) if secret else _plain(example, key)
        return url_of if url_of(key) == example else None
    except (KeyError, ValueError):
        return None


def _plain(example: str, key: str) -> UrlOf:
    place = example.removesuffix(quote(key, _KEEP))
    return lambda key: place + quote(key, _KEEP)


def _signed(example: str, key: str, secret: str, headers: Mapping[str, str]) -> UrlOf:
    """Raises KeyError or ValueError unless `example` is signed by this version's rules."""
    url, query = example.rpartition(_SIGNATURE)[0].split("?")
    fields = dict(field.split("=") for field in query.split("&"))
    scope = unquote(fields["X-Amz-Credential"]).partition("/")[2]
    names = unquote(fields["X-Amz-SignedHeaders"])
    values = {"host": urlsplit(url).netloc, **headers}
    lines = [f"{name}:{values[name]}" for name in names.split(";")]
    rest = "\n".join([_sorted(query), *lines, "", names, "UNSIGNED-PAYLOAD"])
    before = f"{fields['X-Amz-Algorithm']}\n{fields['X-Amz-Date']}\n{scope}\n"
    place = _plain(url, key)
    host = len(url) - len(urlsplit(url).path)
    signing_key = _signing_key(secret, scope)

    def url_of(key: str) -> str:
        url = place(key)
        request = hashlib.sha256(f"GET\n{url[host:]}\n{rest}".encode()).hexdigest()
        signature = hmac.digest(signing_key, f"{before}{request}".encode(), "sha256").hex()
        return f"{url}?{query}{_SIGNATURE}{signature}"

    return url_of


def _sorted(query: str) -> str:
    return "&".join(sorted(query.split("&")))


def _signing_key(secret: str, scope: str) -> bytes:
    """For a scope such as 20260401/us-east-1/s3/aws4_request."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
