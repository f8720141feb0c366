"""What is fetched: the objects, what is right once they are, and what Slugfit's time may be."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from support.s3 import S3Server

BUCKET = "bench"
MIB = 1024 * 1024
URL_SECONDS = 6 * 60 * 60

# Slugfit's time may be so many times the other tool's.
HALF = {"aws s3 cp": 0.5, "boto3": 0.5}


@dataclass(frozen=True)
class Load:
    """Objects of one size in a folder of the bucket."""

    title: str
    folder: str
    size: int
    count: int = 1
    over_link: bool = False
    # A MiB of noise in so many bytes, zeros between: a huge object is made and stored faster.
    noise_every: int = MIB
    bars: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What to ask for: the object, or the folder of several."""
        return f"{self.folder}/model.bin" if self.count == 1 else f"{self.folder}/"

    @property
    def names(self) -> list[str]:
        """The objects' names in the folder."""
        return ["model.bin"] if self.count == 1 else [f"{n:05}.bin" for n in range(self.count)]


LARGE = Load("One object of 1 GiB", "large", 1024 * MIB, bars={"s5cmd": 1.0, **HALF})
MANY = Load("2,000 objects of 64 KiB under a prefix", "many", 64 * 1024, 2000, bars={"s5cmd": 1.5})
LINK = Load(
    "One object of 100 MB over the link", "link", 10**8, over_link=True, bars={"s5cmd": 1.0}
)
LOADS = {load.folder: load for load in (LARGE, MANY, LINK)}


@dataclass(frozen=True)
class Uploaded:
    """A load that is in the store."""

    load: Load
    sha256: Mapping[str, str]
    urls: Mapping[str, str] = field(repr=False)


class Store:
    """The bucket on the server."""

    def __init__(self, server: S3Server) -> None:
        server.create_bucket(BUCKET)
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=server.gateway_endpoint,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            region_name=server.config["AWS_REGION"],
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
        )

    def upload(self, load: Load, scratch: Path, chance: random.Random) -> Uploaded:
        """Make a load's objects, and upload them."""
        contents = ((name, chance.getrandbits(64)) for name in load.names)
        with ThreadPoolExecutor(4) as pool:
            digests = pool.map(lambda content: self._put(load, scratch, *content), contents)
            sha256 = dict(zip(load.names, digests, strict=True))
        return Uploaded(load, sha256, {name: self._url(load, name) for name in load.names})

    def put(self, key: str, path: Path) -> None:
        """Upload a file."""
        self._client.upload_file(str(path), BUCKET, key)

    def _put(self, load: Load, scratch: Path, name: str, seed: int) -> str:
        path = scratch / name
        digest = _write(path, load, random.Random(seed))  # noqa: S311 - no secret
        self.put(f"{load.folder}/{name}", path)
        path.unlink()
        return digest

    def _url(self, load: Load, name: str) -> str:
        params = {"Bucket": BUCKET, "Key": f"{load.folder}/{name}"}
        url: str = self._client.generate_presigned_url("get_object", params, ExpiresIn=URL_SECONDS)
        return url


def _write(path: Path, load: Load, chance: random.Random) -> str:
    """Write an object's content, made by chance, to a file; return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for position in range(0, load.size, MIB):
            size = min(MIB, load.size - position)
            piece = chance.randbytes(size) if position % load.noise_every == 0 else bytes(size)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def verify(destination: Path, uploaded: Uploaded, *, content: bool) -> None:
    """Raise unless a tool has fetched every object: by size, or also by content."""
    for name, sha256 in uploaded.sha256.items():
        path = destination / name
        if path.stat().st_size != uploaded.load.size:
            raise RuntimeError(f"{path} has {path.stat().st_size} bytes")
        if content and _sha256(path) != sha256:
            raise RuntimeError(f"{path} has other content than the object")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(MIB):
            digest.update(piece)
    return digest.hexdigest()
