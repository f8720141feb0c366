"""What can go wrong between an object store and a file, and what to do about it.

`source` is always the source's `display`: no query string, no credentials.
"""

from __future__ import annotations

from slugfit.errors import Explanation, Failure
from slugfit.models.advice import Advice, advice_for, look_at
from slugfit.sizes import format_duration, format_size


class FetchFailure(Failure):
    """Something about one source."""

    def __init__(self, source: str, detail: str = "") -> None:
        self.source = source
        self.detail = detail

    @property
    def _advice(self) -> Advice:
        return advice_for(self.source)

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
                + look_at(self.source),
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
            why=self._advice.denied_why,
            fixes=self._advice.denied,
        )


class CredentialsExpired(FetchFailure):
    """A temporary key whose time is over."""

    id = "fetch::credentials-expired"

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The key for a model's {self._advice.bucket} has expired.",
            where=self.source,
            evidence=self._evidence,
            why=self._advice.expired_why,
            fixes=self._advice.expired,
        )


class CredentialsWrong(FetchFailure):
    """The store does not know the key, or its secret is another one."""

    id = "fetch::credentials-wrong"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store does not accept the key for a model.",
            where=self.source,
            evidence=self._evidence,
            fixes=self._advice.wrong_key,
        )


class ClockSkewed(FetchFailure):
    """The build machine's clock and the store's differ by too much for a signature."""

    id = "fetch::clock-skewed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The clocks of the build machine and the store differ.",
            where=self.source,
            evidence=self._evidence,
            why=self._advice.skewed_why,
            fixes=(
                "the time of this machine: date --utc",
                "the time of the store, in the Date header of its answers.",
            ),
        )


class WrongRegion(FetchFailure):
    """The bucket is in another region, and the store says in which."""

    id = "fetch::wrong-region"

    def __init__(self, source: str, detail: str, right: str, used: str) -> None:
        super().__init__(source, detail)
        self.right = right
        self.used = used

    def explain(self) -> Explanation:
        return Explanation(
            summary="The bucket of a model is in another region.",
            where=self.source,
            evidence=(*self._evidence, f"asked in: {self.used}", f"it is in: {self.right}"),
            fixes=(f"Name the right region:\nheroku config:set AWS_REGION={self.right}",),
        )


class BucketMissing(FetchFailure):
    """The store has no such bucket."""

    id = "fetch::bucket-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The {self._advice.bucket} of a model does not exist.",
            where=self.source,
            evidence=self._evidence,
            fixes=self._advice.no_bucket,
        )


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


class RequestRejected(FetchFailure):
    """The store answered with another error that a second try would not change."""

    id = "fetch::request-rejected"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store rejects the request for a model.",
            where=self.source,
            evidence=self._evidence,
            fixes=(self._advice.rejected,),
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
            fixes=(self._advice.unreachable, "the provider's status page."),
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


class Gated(FetchFailure):
    """A repository whose files are for those only who have accepted its conditions."""

    id = "fetch::gated"

    def __init__(self, source: str, detail: str, page: str) -> None:
        super().__init__(source, detail)
        self.page = page

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model is only for those who accept its conditions.",
            where=self.source,
            evidence=self._evidence,
            why="Who you are, the hub knows by the token.",
            fixes=(
                f"Log in, and accept the conditions on the model's page:\n{self.page}",
                "Give the app a token of the same account, which may read gated repositories:\n"
                "heroku config:set HF_TOKEN=hf_…",
            ),
        )


class RevisionMissing(FetchFailure):
    """The repository is there, and has no such commit, tag or branch."""

    id = "fetch::revision-missing"

    def __init__(self, source: str, detail: str, page: str) -> None:
        super().__init__(source, detail)
        self.page = page

    def explain(self) -> Explanation:
        return Explanation(
            summary="The repository of a model has no such revision.",
            where=self.source,
            evidence=self._evidence,
            fixes=(
                "Compare what comes after the @ with the repository's commits, tags and branches:\n"
                f"{self.page}/commits",
                "Write a slash in a revision's name as %2F:\nhf://org/name@refs%2Fpr%2F1/file",
            ),
        )
