"""What a store responds with instead of an object, or that it does not, and what to do about it."""

from __future__ import annotations

from slugfit.base.errors import Explanation
from slugfit.stores.failures import FetchFailure
from slugfit.stores.store import Advice
from slugfit.stores.urls import StoreUrl


class StoreFailure(FetchFailure):
    """A failure that a store is the cause of. Its fixes can be that store's advice."""

    def __init__(self, source: StoreUrl, detail: str = "") -> None:
        super().__init__(source, detail)
        self._advice: Advice = source.store.advice


class ObjectMissing(StoreFailure):
    """The store has no such object."""

    id = "fetch::object-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model is not where the configuration says.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=(
                "Compare the name, upper and lower case included, with what is stored:\n"
                + self.source.look_at,
                "Upload the model, then build again.",
            ),
        )


class BucketMissing(StoreFailure):
    """The store has no such bucket."""

    id = "fetch::bucket-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The {self._advice.bucket} of a model does not exist.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=self._advice.no_bucket,
        )


class RevisionMissing(StoreFailure):
    """The repository exists, but has no such commit, tag or branch."""

    id = "fetch::revision-missing"

    def __init__(self, source: StoreUrl, detail: str, page: str) -> None:
        super().__init__(source, detail)
        self.page = page

    def explain(self) -> Explanation:
        return Explanation(
            summary="The repository of a model has no such revision.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=(
                "Compare what comes after the @ with the repository's commits, tags and branches:\n"
                f"{self.page}/commits",
                "Write a slash in a revision's name as %2F:\nhf://org/name@refs%2Fpr%2F1/file",
            ),
        )


class AccessDenied(StoreFailure):
    """The store says that these credentials may not read the object."""

    id = "fetch::access-denied"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store denies access to a model.",
            where=self.source.display,
            evidence=self._evidence,
            why=self._advice.denied_why,
            fixes=self._advice.denied,
        )


class Gated(StoreFailure):
    """A repository that is only readable after accepting its conditions."""

    id = "fetch::gated"

    def __init__(self, source: StoreUrl, detail: str, page: str) -> None:
        super().__init__(source, detail)
        self.page = page

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model is only for those who accept its conditions.",
            where=self.source.display,
            evidence=self._evidence,
            why="The hub identifies you by the token.",
            fixes=(
                f"Log in, and accept the conditions on the model's page:\n{self.page}",
                "Give the app a token of the same account, which may read gated repositories:\n"
                "heroku config:set HF_TOKEN=hf_…",
            ),
        )


class CredentialsExpired(StoreFailure):
    """A temporary key that has expired."""

    id = "fetch::credentials-expired"

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The key for a model's {self._advice.bucket} has expired.",
            where=self.source.display,
            evidence=self._evidence,
            why=self._advice.expired_why,
            fixes=self._advice.expired,
        )


class CredentialsWrong(StoreFailure):
    """The store does not know the key, or its secret is wrong."""

    id = "fetch::credentials-wrong"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store does not accept the key for a model.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=self._advice.wrong_key,
        )


class ClockSkewed(StoreFailure):
    """The build machine's clock and the store's differ too much for signatures."""

    id = "fetch::clock-skewed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The clocks of the build machine and the store differ.",
            where=self.source.display,
            evidence=self._evidence,
            why=self._advice.skewed_why,
            fixes=(
                "the time of this machine: date --utc",
                "the time of the store, in the Date header of its responses.",
            ),
        )


class WrongRegion(StoreFailure):
    """The bucket is in another region, and the store says in which."""

    id = "fetch::wrong-region"

    def __init__(self, source: StoreUrl, detail: str, right: str, used: str) -> None:
        super().__init__(source, detail)
        self.right = right
        self.used = used

    def explain(self) -> Explanation:
        return Explanation(
            summary="The bucket of a model is in another region.",
            where=self.source.display,
            evidence=(*self._evidence, f"requested: {self.used}", f"actual:    {self.right}"),
            fixes=(f"Name the right region:\nheroku config:set AWS_REGION={self.right}",),
        )


class RequestRejected(StoreFailure):
    """The store responded with another error that a retry would not change."""

    id = "fetch::request-rejected"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store rejects the request for a model.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=(self._advice.rejected,),
        )


class MalformedResponse(StoreFailure):
    """The response's headers contradict each other: where the model ends is unknown."""

    id = "fetch::malformed-response"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The response with a model is malformed.",
            where=self.source.display,
            evidence=self._evidence,
            why="Half a model could pass for a whole one.",
            fixes=(
                f"Look at the response's headers:\n{self.source.look_at}",
                "Have the server, or the CDN in front of it, send the file as it is stored:\n"
                "without Content-Encoding, and with its length.",
            ),
        )


class Unreachable(StoreFailure):
    """No response: name lookup, connection, TLS or a timeout."""

    id = "fetch::unreachable"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store of a model can't be reached.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=(self._advice.unreachable, "the provider's status page."),
        )


class ServerFailed(StoreFailure):
    """5xx or 429, after all retries."""

    id = "fetch::server-failed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The store of a model responds with errors.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=("the provider's status page.",),
        )
