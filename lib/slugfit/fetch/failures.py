"""What can go wrong between a store and a file, and what to do about it."""

from __future__ import annotations

from slugfit.base.errors import Explanation
from slugfit.base.heroku import NO_TIME_LEFT
from slugfit.base.sizes import format_duration, format_size
from slugfit.stores.failures import FetchFailure
from slugfit.stores.location import AppFile
from slugfit.stores.urls import StoreUrl


class NothingThere(FetchFailure):
    """A prefix below which there is no object, or none that the globs select."""

    id = "fetch::nothing-there"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's directory in the store is empty.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=(
                "Compare the name, upper and lower case included, with what is stored:\n"
                + self.source.look_at,
                "If the model has include or exclude globs, check that they match files.",
            ),
        )


class EndUnknown(FetchFailure):
    """The response does not say where the model ends, and nothing else does."""

    id = "fetch::end-unknown"

    def explain(self) -> Explanation:
        return Explanation(
            summary="It is unknown where a model ends.",
            where=self.source.display,
            evidence=("The response has no Content-Length, and is not chunked.",),
            why="If the connection breaks, half a model would pass for a whole one.",
            fixes=(
                'Give the model\'s checksum, below its source:\nsha256 = "…"',
                "Have the server send a Content-Length.",
            ),
        )


class NameUnsafe(FetchFailure):
    """An object below a prefix whose name is not a path inside a directory."""

    id = "fetch::name-unsafe"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A file of a model has an unsafe name.",
            where=self.source.display,
            evidence=self._evidence,
            why="A name with .., an empty part or a leading slash is not a path inside a\n"
            "directory, and a name can't be both a file and a directory.",
            fixes=(
                "Rename the object in the store.",
                'Leave it out:\nexclude = ["…"]',
            ),
        )


class ObjectChanged(FetchFailure):
    """The object is replaced again and again while it is fetched."""

    id = "fetch::object-changed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model keeps changing while it is fetched.",
            where=self.source.display,
            why="All parts of a model have to be from the same version of the object.",
            fixes=(
                "who uploads the model, and whether that has finished;",
                "whether the store sends the same ETag (or Last-Modified) for the same content.",
            ),
        )


class DeadlinePassed(FetchFailure):
    """The deadline for fetching has passed."""

    id = "fetch::out-of-time"

    def __init__(self, source: StoreUrl, seconds: float, received: int, size: int | None) -> None:
        super().__init__(source)
        self.seconds = seconds
        self.received = received
        self.size = size

    def explain(self) -> Explanation:
        of = "" if self.size is None else f" of {format_size(self.size)}"
        return Explanation(
            summary="Fetching the models takes longer than a build has time for.",
            where=self.source.display,
            evidence=(
                f"received: {format_size(self.received)}{of}",
                f"time for all models: {format_duration(self.seconds)}",
            ),
            why=NO_TIME_LEFT,
            fixes=(
                "Build again: if the store was slow, it may be faster now.",
                "Keep the model in a store near the build, or a smaller model.",
                'To allow more time, in slugfit.toml:\n[fetch]\ndeadline = "22m"',
            ),
        )


class ChecksumMismatch(FetchFailure):
    """The content is not the one that the configuration or the lock pins."""

    id = "fetch::checksum-mismatch"

    def __init__(
        self, source: StoreUrl | AppFile, expected: str, found: str, received: int | None
    ) -> None:
        super().__init__(source)
        self.expected = expected
        self.found = found
        self.received = received

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model does not match its checksum.",
            where=self.source.display,
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
                "Or, if a slugfit.lock has the old one, write the lock again:\nbin/slugfit lock",
                "If not, upload the right object again.",
            ),
        )


class LfsPointer(FetchFailure):
    """A Git LFS pointer instead of the file."""

    id = "fetch::lfs-pointer"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The model is a Git LFS pointer, not the file itself.",
            where=self.source.display,
            why="A pointer is a short text that says which file Git LFS stores elsewhere. Heroku\n"
            "does not fetch Git LFS files, and uploading from a clone without them uploads\n"
            "the pointer.",
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
            summary="The model is an HTML page.",
            where=self.source.display,
            why="Sites respond with a page when a link needs a login, has expired, or leads to\n"
            "a page about the file instead of the file.",
            fixes=(
                "Use the direct download link. To see what this one returns:\n"
                + self.source.look_at,
                "For private files in object storage, use s3://bucket/key with a key.",
            ),
        )
