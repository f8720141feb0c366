"""Azure Blob Storage, as Microsoft's own emulator serves it from a local directory.

    with AzureServer() as azure:
        azure.create_container("models")
        azure.put("models", "digits.tflite", Path("digits.tflite"))
        App("…", config=azure.config).deploy()
    assert azure.requests == […]

The emulator, Azurite, comes from npm and runs on Node: where `missing()` says that it is not there,
tests that need it are skipped. It differs from Azure in what it answers to a range that begins past
a blob's end: the proxy before it makes that the 416 that it should be. It says AuthorizationFailure
where Azure says AuthenticationFailed, and also where Azure hides a private blob behind a 404.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import tempfile
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

from azure.storage.blob import (
    BlobServiceClient,
    ContainerSasPermissions,
    PublicAccess,
    generate_container_sas,
)

from slugfit.local.servers import free_port
from support.emulator import Emulator
from support.paths import SHARED_CACHE
from support.proxy import Exchange, RecordingProxy
from support.recording import Request

ACCOUNT = "devstoreaccount1"
PROGRAM = SHARED_CACHE / "npm" / "node_modules" / ".bin" / "azurite-blob"
INVALID_RANGE = b"<Error><Code>InvalidRange</Code></Error>"


def missing() -> str:
    """Return why the server can not run here, or nothing."""
    if shutil.which("node") is None:
        return "no Node, on which Azure's emulator runs"
    return "" if PROGRAM.exists() else "no Azurite: `make install` gets it where npm is"


class AzureServer:
    """The server; a context manager. Its endpoint is a proxy that records the requests."""

    def __init__(self) -> None:
        self.key = base64.b64encode(secrets.token_bytes(64)).decode()
        self._stack = ExitStack()

    def __enter__(self) -> AzureServer:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="slugfit-azure-"))
            self._emulator = stack.enter_context(_emulator(Path(folder), self.key))
            self._proxy = stack.enter_context(_Proxy(self._emulator.port))
            # Past the proxy: its list is for what is tested.
            url = f"http://127.0.0.1:{self._emulator.port}/{ACCOUNT}"
            self._client = stack.enter_context(BlobServiceClient(url, credential=self.key))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """The URL of the account."""
        return self._proxy.url(f"/{ACCOUNT}")

    @property
    def config(self) -> dict[str, str]:
        """The config vars with which an app finds the server."""
        return {
            "AZURE_STORAGE_KEY": self.key,
            "AZURE_STORAGE_SERVICE_ENDPOINT": self.endpoint,
        }

    @property
    def requests(self) -> list[Request]:
        """The requests that came to the endpoint, in order; uploads by `put` are not among them."""
        return self._proxy.requests

    def forget_requests(self) -> None:
        """Begin a new list of requests."""
        self._proxy.forget_requests()

    def create_container(self, name: str, *, public: bool = False) -> None:
        """Create a container; a public one's blobs are for everybody who knows their names."""
        access = PublicAccess.BLOB if public else None
        self._client.create_container(name, public_access=access)

    def put(self, container: str, blob: str, content: Path | bytes) -> None:
        """Store a blob: the bytes of a file, or bytes."""
        client = self._client.get_blob_client(container, blob)
        if isinstance(content, Path):
            with content.open("rb") as file:
                client.upload_blob(file, overwrite=True)
        else:
            client.upload_blob(content, overwrite=True)

    def delete(self, container: str, blob: str) -> None:
        """Delete a blob."""
        self._client.get_blob_client(container, blob).delete_blob()

    def sas(self, container: str, *, seconds: float = 3600) -> str:
        """Return a token with which a container can be read and listed for so many seconds."""
        return generate_container_sas(
            ACCOUNT,
            container,
            account_key=self.key,
            permission=ContainerSasPermissions(read=True, list=True),
            expiry=datetime.now(timezone.utc) + timedelta(seconds=seconds),
        )


class _Proxy(RecordingProxy):
    def handle(self, exchange: Exchange) -> None:
        self.record(exchange.client.seen())
        answer = exchange.answer
        if answer.status == 206 and answer.getheader("Content-Length") == "0":
            size = answer.getheader("Content-Range", "").rpartition("/")[2]
            range_of_all = {"Content-Range": f"bytes */{size}", "x-ms-error-code": "InvalidRange"}
            exchange.reply(416, INVALID_RANGE, {"Content-Type": "application/xml", **range_of_all})
        else:
            exchange.pass_on()


def _emulator(folder: Path, key: str) -> Emulator:
    port = free_port()
    options = [
        *("--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder / "blobs")),
        # The client may speak a later version than the emulator has heard of.
        *("--silent", "--disableTelemetry", "--skipApiVersionCheck"),
    ]
    command = [shutil.which("node") or "node", str(PROGRAM), *options]
    env = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
    return Emulator(command, port=port, folder=folder, env=env)
