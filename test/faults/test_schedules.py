"""Whatever goes wrong, a fetch ends with the right bytes, or with the right error and no file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.plans import LIMITS, SILENCE_SECONDS, Plan, plan
from slugfit.base.errors import Failure
from slugfit.base.http import Network
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import Transfer, WantedObject, move_to
from slugfit.stores import StoreObject
from slugfit.stores.s3 import S3Credentials, S3Settings, S3Url
from slugfit.stores.s3_bucket import S3Bucket
from slugfit.stores.s3_client import S3Object
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
from support.chance import Haste, chance
from support.faults import FaultProxy
from support.fetching import Silence
from support.s3 import REGION, S3Server
from support.servers import RangeServer

_HEADERS = {
    "etag": {"ETag": '"1"'},
    "date": {"Last-Modified": "Wed, 01 Jul 2026 10:00:00 GMT"},
    "bare": {},
}
_NEW_HEADERS = {
    "etag": {"ETag": '"2"'},
    "date": {"Last-Modified": "Wed, 01 Jul 2026 10:00:01 GMT"},
    "bare": {},
}
DEADLINE_SECONDS = 60.0


class Example:
    """One plan, carried out: `content` is what the store has at first, `new` what replaces it."""

    def __init__(self, plan: Plan, faults: FaultProxy, source: StoreObject, target: Path) -> None:
        self.plan = plan
        self.faults = faults
        self.target = target
        self._source = source
        self.content, self.new = contents(plan)

    @property
    def in_store(self) -> bytes:
        """What the store has when all is over."""
        return self.new if self.plan.replace.is_done else self.content

    def fetch(self, wanted: bytes) -> bytes | Failure:
        """What arrives, or why nothing does; `wanted` is what is pinned, if anything is."""
        sha256 = hashlib.sha256(wanted).hexdigest() if self.plan.is_pinned else None
        # Long enough for a server that refuses connections to come back.
        clock = Clock(sleep=lambda seconds: time.sleep(0.03), rng=Haste())
        deadline = Deadline(clock, DEADLINE_SECONDS)
        network = Network(silence_seconds=SILENCE_SECONDS)
        transfer = Transfer(network, clock, deadline, LIMITS)
        part = self.target.with_name("part")
        try:
            received = transfer.fetch(
                WantedObject(self._source, sha256), part, Silence(), move_to(self.target)
            )
        except Failure as failure:
            return failure
        assert received
        arrived = self.target.read_bytes()
        assert received.bytes == len(arrived)
        assert received.sha256 == hashlib.sha256(arrived).hexdigest()
        return arrived


def contents(plan: Plan) -> tuple[bytes, bytes]:
    numbers = chance(plan.seed)
    return numbers.randbytes(plan.size), numbers.randbytes(max(0, plan.size - 1000))


@contextmanager
def example(plan: Plan, s3: S3Server, directory: Path) -> Iterator[Example]:
    if plan.kind == "s3":
        with in_s3(plan, s3, directory) as made:
            yield made
        return
    content, new = contents(plan)
    with RangeServer(content, _HEADERS[plan.kind]) as server:

        def replace() -> None:
            server.content, server.headers = new, _NEW_HEADERS[plan.kind]

        plan.replace.act = replace
        with FaultProxy(server.port, plan.faults) as faults:
            source = HttpObject(HttpUrl(faults.url("/model")), time.time)
            yield Example(plan, faults, source, directory / "model")


@contextmanager
def in_s3(plan: Plan, s3: S3Server, directory: Path) -> Iterator[Example]:
    content, new = contents(plan)
    key = f"model-{plan.seed}"
    s3.put("models", key, content)
    plan.replace.act = lambda: s3.put("models", key, new)
    with FaultProxy(int(s3.gateway_endpoint.rpartition(":")[2]), plan.faults) as faults:
        credentials = S3Credentials(s3.access_key, s3.secret_key)
        settings = S3Settings((credentials,), REGION, faults.url())
        bucket = S3Bucket("models", settings, time.time, silence_seconds=SILENCE_SECONDS)
        source = S3Object(S3Url("models", key), bucket)
        yield Example(plan, faults, source, directory / "model")
    s3.delete("models", key)


def test_a_fetch_ends_with_the_right_bytes_or_the_right_error(
    seed: int, s3_server: S3Server, tmp_path: Path
) -> None:
    with example(plan(seed), s3_server, tmp_path) as case:
        check(case)
        case.faults.set([])
        # Nothing of what went wrong stays.
        case.target.unlink(missing_ok=True)
        again = case.fetch(case.in_store)
        assert isinstance(again, bytes), again
        if not case.plan.may_lie:
            assert again == case.in_store
        assert [path.name for path in tmp_path.iterdir()] == ["model"]


def check(case: Example) -> None:
    plan = case.plan
    wanted = case.new if plan.is_replaced else case.content
    outcome = case.fetch(wanted)
    if isinstance(outcome, Failure):
        assert isinstance(outcome, plan.failures), (outcome, outcome.__dict__, plan)
        assert not case.target.exists()
    elif plan.is_pinned:
        assert outcome == wanted
    elif not plan.may_lie:
        assert outcome in (case.content, case.new)
