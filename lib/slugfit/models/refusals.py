"""What a store answers instead of an object, or that it does not, and what to do about it."""

from __future__ import annotations

from slugfit.errors import Explanation
from slugfit.models.advice import Advice, advice_for, look_at
from slugfit.models.failures import FetchFailure


class _Refusal(FetchFailure):
    """A failure whose fixes depend on whose store it is."""

    @property
    def _advice(self) -> Advice:
        return advice_for(self.source)


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


class BucketMissing(_Refusal):
    """The store has no such bucket."""

    id = "fetch::bucket-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The {self._advice.bucket} of a model does not exist.",
            where=self.source,
            evidence=self._evidence,
            fixes=self._advice.no_bucket,
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


class AccessDenied(_Refusal):
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


class CredentialsExpired(_Refusal):
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


class CredentialsWrong(_Refusal):
    """The store does not know the key, or its secret is another one."""

    id = "fetch::credentials-wrong"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store does not accept the key for a model.",
            where=self.source,
            evidence=self._evidence,
            fixes=self._advice.wrong_key,
        )


class ClockSkewed(_Refusal):
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


class RequestRejected(_Refusal):
    """The store answered with another error that a second try would not change."""

    id = "fetch::request-rejected"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store rejects the request for a model.",
            where=self.source,
            evidence=self._evidence,
            fixes=(self._advice.rejected,),
        )


class Unreachable(_Refusal):
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
