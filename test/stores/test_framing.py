"""500 responses made from a grammar of headers: the model that the store holds, or a refusal.

Each goes through a real transfer from a server on the loopback interface. SEED varies them.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slugfit.base.errors import Failure, render
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
from support.chance import chance
from support.fetching import Bench
from support.servers import CannedServer

SEED = int(os.environ.get("SEED", "1"))
EXAMPLES = int(os.environ.get("EXAMPLES", "500"))
MODEL = chance(5).randbytes(3_000)
HALF = MODEL[:1_500]
REFUSALS = {
    "fetch::malformed-response",
    "fetch::end-unknown",
    "fetch::truncated",
    "fetch::unreachable",
    "fetch::object-changed",
    "fetch::request-rejected",
}


@dataclass
class Scripted:
    """A response: `held` is the model by the rules of HTTP, None for what is to be refused."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = MODEL
    held: bytes | None = MODEL

    def add(self, name: str, value: object) -> None:
        self.headers.append((name, str(value)))

    @property
    def wire(self) -> bytes:
        reason = {200: "OK", 206: "Partial Content"}[self.status]
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{n}: {v}" for n, v in self.headers)]
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        return head.encode("latin-1") + self.body


def in_chunks(body: bytes) -> bytes:
    pieces = [body[at : at + 700] for at in range(0, len(body), 700)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in [*pieces, b""])


def encode(made: Scripted, pick: random.Random) -> None:
    packed = gzip.compress(MODEL)
    name, body, held = pick.choice(
        [
            *[("", MODEL, MODEL)] * 6,
            ("identity", MODEL, MODEL),
            ("gzip", packed, MODEL),
            ("GZIP", packed, MODEL),
            ("x-gzip", gzip.compress(HALF) + gzip.compress(MODEL[1_500:]), MODEL),
            ("gzip", packed[: pick.randrange(1, len(packed))], None),
            ("gzip", b"", None),
            ("gzip", MODEL, None),
            ("gzip", packed + b"more", None),
            *((other, MODEL, None) for other in ("br", "zstd", "deflate", "gzip, gzip", "\xb2")),
        ]
    )
    if name:
        made.add("Content-Encoding", name)
    made.body, made.held = body, held


def end(made: Scripted, pick: random.Random) -> None:
    """How the response says where its body ends."""
    length = len(made.body)
    is_gzip = any(name == "Content-Encoding" and "gzip" in v.lower() for name, v in made.headers)
    kind = pick.choice(["right"] * 6 + ["twice", "chunked", "cut", "both", "none", "odd", "wrong"])
    match kind:
        case "right":
            made.add("Content-Length", length)
        case "twice":
            made.add("Content-Length", length)
            made.add("Content-Length", length)
        case "chunked":
            made.add("Transfer-Encoding", pick.choice(["chunked", "Chunked"]))
            made.body = in_chunks(made.body)
        case "cut":
            made.add("Transfer-Encoding", "chunked")
            made.body = in_chunks(made.body)[: -pick.randrange(3, 200)]
            made.held = None
        case "both":
            made.add("Transfer-Encoding", "chunked")
            made.add("Content-Length", pick.choice([length, 10]))
            made.body, made.held = in_chunks(made.body), None
        case "none":
            made.held = made.held if is_gzip else None
        case "odd":
            odd = ["\xb2", "-1", "", "0x10", "1e3", "+5", f"{length}, 5", "9" * 30, "much"]
            name = pick.choice(["Content-Length"] * 3 + ["Transfer-Encoding"])
            made.add(name, pick.choice(odd) if name == "Content-Length" else "gzip, chunked")
            made.held = None
        case _:
            made.add("Content-Length", length + pick.randrange(1, 5_000))
            made.held = None


def part(made: Scripted, pick: random.Random) -> None:
    made.status = 206
    if pick.random() < 0.5:
        made.add("ETag", '"v1"')
    size = len(MODEL)
    said, held = pick.choice(
        [
            *[(f"bytes 0-{size - 1}/{size}", MODEL)] * 4,
            ("bytes 0-4/3", None),
            ("bytes 0-0/0", None),
            (f"bytes 0-{size - 1}/*", None),
            (f"bytes 0-{size}/{size}", None),
            (f"bytes 1-{size - 1}/{size}", None),
            (f"bytes 5-2/{size}", None),
            (f"bytes 0-{size - 1}/{size + 9}", None),
            (f"items 0-{size - 1}/{size}", None),
            ("bytes \xb2-5/9", None),
            ("", None),
        ]
    )
    if said:
        made.add("Content-Range", said)
    made.held = made.held and held


def scripted(pick: random.Random) -> Scripted:
    made = Scripted()
    if pick.random() < 0.4:
        steps: list[Callable[[Scripted, random.Random], None]] = [part, end]
    else:
        steps = [encode, end]
    for step in steps:
        step(made, pick)
    return made


def test_a_response_is_the_model_or_is_refused(tmp_path: Path) -> None:
    came = 0
    for number in range(EXAMPLES):
        pick = random.Random(f"{SEED} {number}")  # noqa: S311 (a schedule)
        made = scripted(pick)
        bench = Bench(tmp_path / str(number))
        bench.target.parent.mkdir()
        with CannedServer(made.wire) as server:
            source = HttpObject(HttpUrl(server.url), lambda: 0.0)
            try:
                content = bench.content(source)
            except Failure as failure:
                assert failure.id in REFUSALS, (number, made.headers, failure.id)
                assert all(line.isprintable() for line in render(failure)), made.headers
                assert made.held is None, (number, made.status, made.headers, str(failure))
                assert not bench.target.exists()
            else:
                # A part whose last bytes of framing are lost is still all of the model.
                assert content in (made.held, MODEL), (number, made.status, made.headers)
                came += 1
    assert came > EXAMPLES / 5


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        ("Content-Length: -5", "header: Content-Length: -5"),
        ("Content-Encoding: br\r\nContent-Length: 5",
         "header: Content-Encoding: br, which was not accepted"),
        ("Transfer-Encoding: gzip", "header: Transfer-Encoding: gzip"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5",
         "header: both Transfer-Encoding and Content-Length"),
    ],
)  # fmt: skip
def test_the_header_at_fault_is_named(tmp_path: Path, head: str, detail: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\nmodel".encode()
    with CannedServer(answer) as server, pytest.raises(Failure) as failure:
        Bench(tmp_path).fetch(HttpObject(HttpUrl(server.url), lambda: 0.0))
    assert failure.value.id == "fetch::malformed-response"
    assert detail in render(failure.value)


def test_with_a_checksum_the_end_may_be_that_of_the_connection(tmp_path: Path) -> None:
    sha256 = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
    with CannedServer(b"HTTP/1.0 200 OK\r\n\r\nmodel") as server:
        source = HttpObject(HttpUrl(server.url), lambda: 0.0)
        with pytest.raises(Failure) as failure:
            Bench(tmp_path).fetch(source)
        assert failure.value.id == "fetch::end-unknown"
        received = Bench(tmp_path).fetch(source, sha256)
    assert received is not None
    assert received.sha256 == sha256
