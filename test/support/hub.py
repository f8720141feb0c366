"""A model hub that answers as the Hugging Face Hub does.

    with HubServer() as hub:
        sha = hub.commit("acme/tiny", {"config.json": b"{}", "model.onnx": Path("model.onnx")})
        App("…", config=hub.config).deploy()
    assert hub.cdn_requests == […]

An imitation, written from the Hub's documented and observed behaviour. Small files come from the
Hub's own host, after a relative redirect that the Authorization header must survive. Large ones
come from another host (`support.cdn`), by a link that expires and that the header must not reach.
Listings come in pages. Who may not have a file is told so in the Hub's words.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from support.cdn import Cdn
from support.file_handler import StoredFile
from support.hub_handler import HubHandler
from support.recording import RecordingServer, Request

Access = Literal["public", "gated", "private"]
# Of what the Hub hands to LFS in a new repository.
LARGE = {".bin", ".gguf", ".h5", ".onnx", ".pt", ".safetensors", ".tflite", ".zip"}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
PIECE = 1 << 20


@dataclass(frozen=True)
class HubFile:
    """A file of a commit; `sha256` of a large one only."""

    stored: StoredFile
    oid: str
    sha256: str | None

    def entry(self, path: str) -> dict[str, Any]:
        """Return the file as listings have it."""
        entry = {"type": "file", "oid": self.oid, "size": self.stored.size, "path": path}
        if self.sha256 is None:
            return entry
        pointer = len(_pointer(self.sha256, self.stored.size))
        lfs = {"oid": self.sha256, "size": self.stored.size, "pointerSize": pointer}
        return {**entry, "lfs": lfs, "xetHash": self.stored.etag}


@dataclass
class Repository:
    """Commits by their SHA, and the branches that lead to them."""

    access: Access = "public"
    commits: dict[str, Mapping[str, HubFile]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)


class HubServer(RecordingServer):
    """The hub, and the network that delivers for it; a context manager.

    `page_size` is how many entries a page of a listing has, `link_seconds` how long a link to a
    large file works, `cdn_endpoint` where it leads. They may be changed at any time.
    """

    def __init__(self, *, page_size: int = 1000, link_seconds: float = 3600) -> None:
        super().__init__(partial(HubHandler, self))
        self.page_size = page_size
        self.link_seconds = link_seconds
        self.token = f"hf_{secrets.token_hex(17)}"
        self.strangers_token = f"hf_{secrets.token_hex(17)}"
        self.repositories: dict[str, Repository] = {}
        self.moved: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> HubServer:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="slugfit-hub-"))
            self._folder = Path(folder)
            self.cdn = stack.enter_context(Cdn())
            self.cdn_endpoint = self.cdn.endpoint
            super().__enter__()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """The URL of the hub."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> dict[str, str]:
        """The config vars with which an app finds the hub, and may have everything."""
        return {"HF_ENDPOINT": self.endpoint, "HF_TOKEN": self.token}

    @property
    def cdn_requests(self) -> list[Request]:
        """The requests for large files' bytes, in order."""
        return self.cdn.requests

    def forget_requests(self) -> None:
        """Begin new lists of requests."""
        super().forget_requests()
        self.cdn.forget_requests()

    def commit(self, name: str, files: Mapping[str, bytes | Path], *, branch: str = "main") -> str:
        """Add to or replace the files of a branch, and return the SHA of the commit."""
        repository = self.repositories.setdefault(name, Repository())
        before = repository.commits.get(repository.branches.get(branch, ""), {})
        stored = {path: self._store(path, content) for path, content in files.items()}
        after = dict(sorted({**before, **stored}.items()))
        listing = json.dumps([file.entry(path) for path, file in after.items()])
        sha = hashlib.sha1(listing.encode(), usedforsecurity=False).hexdigest()
        repository.commits[sha] = after
        repository.branches[branch] = sha
        return sha

    def restrict(self, name: str, access: Access) -> None:
        """Let everybody see a repository, or only `token`: "gated" hides its files, not itself."""
        self.repositories[name].access = access

    def move(self, name: str, new_name: str) -> None:
        """Give a repository another name; the old one redirects."""
        self.repositories[new_name] = self.repositories.pop(name)
        self.moved[name] = new_name

    def expire_links(self) -> None:
        """Let no link to a large file work that was given out before."""
        self.cdn.expire_links()

    def _store(self, path: str, content: bytes | Path) -> HubFile:
        kept = self._folder / secrets.token_hex(8)
        if isinstance(content, Path):
            shutil.copyfile(content, kept)
        else:
            kept.write_bytes(content)
        size = kept.stat().st_size
        if Path(path).suffix not in LARGE:
            oid = _blob_oid(kept.read_bytes())
            return HubFile(StoredFile(kept, size, oid), oid, None)
        sha256 = _sha256(kept)
        oid = _blob_oid(_pointer(sha256, size))
        return HubFile(self.cdn.add(sha256, kept), oid, sha256)


def _pointer(sha256: str, size: int) -> bytes:
    return POINTER.format(sha256=sha256, size=size).encode()


def _blob_oid(content: bytes) -> str:
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
