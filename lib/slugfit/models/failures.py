"""What can go wrong between an object store and a file, and what to do about it.

`source` is always the source's `display`: no query string, no credentials.
"""

from __future__ import annotations

from slugfit.errors import Explanation, Failure
from slugfit.models.advice import look_at
from slugfit.sizes import format_duration, format_size


class FetchFailure(Failure):
    """Something about one source."""

    def __init__(self, source: str, detail: str = "") -> None:
        self.source = source
        self.detail = detail

    @property
    def _evidence(self) -> tuple[str, ...]:
        return (self.detail,) if self.detail else ()


class NothingThere(FetchFailure):
    """A prefix below which there is no object, or none that the globs let through."""

    id = "fetch::nothing-there"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's directory in the store is empty.",
            where=self.source,
            evidence=self._evidence,
            fixes=(
                "Compare the name, upper and lower case included, with what is stored:\n"
                + look_at(self.source),
                "If the model has include or exclude globs, check that they let files through.",
            ),
        )


class NameUnsafe(FetchFailure):
    """An object below a prefix whose name is no path inside a directory."""

    id = "fetch::name-unsafe"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A file of a model has a name that leads elsewhere.",
            where=self.source,
            evidence=self._evidence,
            why="A name with .., an empty part or a leading slash is no path in a directory, and\n"
            "two names can't be one file, or a file and a directory.",
            fixes=(
                "Rename the object in the store.",
                'Leave it out:\nexclude = ["…"]',
            ),
        )


class ObjectChanged(Failure):
    """Somebody replaces the object faster than it can be fetched."""

    id = "fetch::object-changed"
    kind = "upstream"

    def __init__(self, source: str) -> None:
        self.source = source

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model changes while it is fetched, again and again.",
            where=self.source,
            why="Every part of a model is fetched of the same version of the object.",
            fixes=(
                "who uploads the model, and whether that has finished;",
                "whether the store tells one ETag (or Last-Modified) for one content.",
            ),
        )


class OutOfTime(Failure):
    """The time that a build has for fetching is over."""

    id = "fetch::out-of-time"

    def __init__(self, source: str, seconds: float, received: int, size: int | None) -> None:
        self.source = source
        self.seconds = seconds
        self.received = received
        self.size = size

    def explain(self) -> Explanation:
        of = "" if self.size is None else f" of {format_size(self.size)}"
        return Explanation(
            summary="The models do not arrive in the time that a build has.",
            where=self.source,
            evidence=(
                f"received: {format_size(self.received)}{of}",
                f"time for all models: {format_duration(self.seconds)}",
            ),
            why="Heroku ends a build after 25 minutes, without a word about the reason.",
            fixes=(
                "Build again: if the store was slow, it may be faster now.",
                "Keep the model in a store near the build, or a smaller model.",
                'To allow more time, in slugfit.toml:\n[fetch]\ndeadline = "22m"',
            ),
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

    def __init__(self, source: str, expected: str, found: str, received: int | None) -> None:
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
            )
            if self.received is not None
            else (f"expected sha256: {self.expected}", f"the store says:  {self.found}"),
            why="The object was replaced, or the checksum belongs to another file.",
            fixes=(
                "If the new object is the right one, write its checksum into the configuration:\n"
                f'sha256 = "{self.found}"',
                "Or, if a slugfit.lock names the old one, write the lock anew:\nbin/slugfit lock",
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
                + look_at(self.source),
                "For private files in object storage, use s3://bucket/key with a key.",
            ),
        )
