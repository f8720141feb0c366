"""What can go wrong between an object store and a file, and what to do about it.

`source` is always the source's `display`: no query string, no credentials.
"""

from __future__ import annotations

from slugfit.errors import Explanation, Failure
from slugfit.sizes import format_size

_S3_SAYS_DENIED = """\
S3 also denies access to an object that does not exist, when the key may not
list the bucket."""
_S3_KEY_FIXES = (
    "Check which key the app has:\nheroku config | grep -E 'AWS_|BUCKETEER_|CLOUDCUBE_'",
    "Give that key the permission s3:GetObject on the object, and s3:ListBucket\non the bucket.",
    "Compare the object's name with what is stored.",
)
_LINK_FIXES = (
    "If the link is signed, make a new one: signatures expire.",
    "For private files in object storage, use s3://bucket/key with a key.",
)


class FetchFailure(Failure):
    """Something about one source."""

    def __init__(self, source: str, detail: str = "") -> None:
        self.source = source
        self.detail = detail

    @property
    def _in_s3(self) -> bool:
        return self.source.startswith("s3://")

    @property
    def _evidence(self) -> tuple[str, ...]:
        return (self.detail,) if self.detail else ()


class ObjectMissing(FetchFailure):
    """The store answered, and has no such object."""

    id = "fetch::object-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model is not where the configuration says.",
            where=self.source,
            evidence=self._evidence,
            fixes=(
                "Compare the name, upper and lower case included, with what is stored:\n"
                + _look_at(self.source),
                "Upload the model, then build again.",
            ),
        )


class AccessDenied(FetchFailure):
    """The store answered that these credentials may not read the object."""

    id = "fetch::access-denied"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store denies access to a model.",
            where=self.source,
            evidence=self._evidence,
            why=_S3_SAYS_DENIED if self._in_s3 else "",
            fixes=_S3_KEY_FIXES if self._in_s3 else _LINK_FIXES,
        )


class RequestRejected(FetchFailure):
    """The store answered with another error that a second try would not change."""

    id = "fetch::request-rejected"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store rejects the request for a model.",
            where=self.source,
            evidence=self._evidence,
            fixes=("Check the source's URL, the region (AWS_REGION) and AWS_ENDPOINT_URL.",),
        )


class Unreachable(FetchFailure):
    """No answer at all: name lookup, connection, TLS or a timeout."""

    id = "fetch::unreachable"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store of a model can't be reached.",
            where=self.source,
            evidence=self._evidence,
            fixes=(
                "the host's name in the source, and AWS_ENDPOINT_URL if it is set;",
                "the provider's status page.",
            ),
        )


class ServerFailed(FetchFailure):
    """5xx or 429, again and again."""

    id = "fetch::server-failed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store of a model fails to answer the request.",
            where=self.source,
            evidence=self._evidence,
            fixes=("the provider's status page.",),
        )


class Truncated(Failure):
    """The body ended before its announced end, at every try."""

    id = "fetch::truncated"
    kind = "upstream"

    def __init__(self, source: str, size: int | None, detail: str) -> None:
        self.source = source
        self.size = size
        self.detail = detail

    def explain(self) -> Explanation:
        size = "unknown" if self.size is None else f"{self.size} bytes"
        return Explanation(
            summary="A model arrives incomplete.",
            where=self.source,
            evidence=(f"announced: {size}", self.detail),
            fixes=(
                "that the upload of the model finished;",
                "a proxy or CDN in front of the store, which may cut long answers.",
            ),
        )


class ChecksumMismatch(Failure):
    """Not the bytes that the configuration asks for."""

    id = "fetch::checksum-mismatch"

    def __init__(self, source: str, expected: str, found: str, received: int) -> None:
        self.source = source
        self.expected = expected
        self.found = found
        self.received = received

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model is not the one that its checksum names.",
            where=self.source,
            evidence=(
                f"expected sha256: {self.expected}",
                f"found sha256:    {self.found}",
                f"received:        {format_size(self.received)}",
            ),
            why="The object was replaced, or the checksum belongs to another file.",
            fixes=(
                "If the new object is the right one, write its checksum into the configuration:\n"
                f'sha256 = "{self.found}"',
                "If not, upload the right one again.",
            ),
        )


class LfsPointer(FetchFailure):
    """Git LFS's note about a file, instead of the file."""

    id = "fetch::lfs-pointer"

    def explain(self) -> Explanation:
        return Explanation(
            summary="Instead of a model there is a Git LFS pointer.",
            where=self.source,
            why="It is a text of three lines that says which file Git LFS keeps elsewhere.\n"
            "Heroku does not fetch Git LFS files, and uploading from a clone without them\n"
            "uploads the pointer.",
            fixes=(
                "Get the real file, and upload it to object storage:\ngit lfs pull\n"
                "aws s3 cp model.tflite s3://bucket/model.tflite",
                "Name that object as the model's source.",
            ),
        )


class HtmlPage(FetchFailure):
    """A web page, usually a login or an error, with status 200."""

    id = "fetch::html-page"

    def explain(self) -> Explanation:
        return Explanation(
            summary="Instead of a model there is an HTML page.",
            where=self.source,
            why="Sites answer with a page when a link needs a login, has expired, or leads to\n"
            "a page about the file instead of the file.",
            fixes=(
                "Use the direct download link. To see what this one gives:\n"
                + _look_at(self.source),
                "For private files in object storage, use s3://bucket/key with a key.",
            ),
        )


def _look_at(source: str) -> str:
    """A command that shows what is behind `source`, or beside it."""
    if source.startswith("s3://"):
        return f"aws s3 ls {source.rpartition('/')[0]}/"
    return f"curl --location --head '{source}'"
