"""Where a bench works: directories, and the environment that every tool gets."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.loads import BUCKET, Store, Uploaded
from bench.tools import Job
from support.paths import REPOSITORY, SHARED_CACHE
from support.s3 import S3Server

PROGRAM = REPOSITORY / "bin" / "slugfit"
WARM = SHARED_CACHE / "bench" / "slugfit"


@dataclass(frozen=True)
class Site:
    """A directory for one run of a bench."""

    root: Path

    @property
    def destination(self) -> Path:
        """Where every tool puts what it fetches."""
        return self.root / "fetched"

    @property
    def scratch(self) -> Path:
        """Where the objects are made."""
        return self.root / "scratch"

    @property
    def cache(self) -> Path:
        """Slugfit's: its dependencies, and what it keeps of the models."""
        return self.root / "cache"

    def job(self, uploaded: Uploaded) -> Job:
        """Return what the tools are to do here with a load."""
        return Job(uploaded, self.destination, self.root / "urls")

    def renew(self) -> None:
        """Make the destination empty, and Slugfit's cache what it was: without a model."""
        for path in (self.destination, self.cache):
            shutil.rmtree(path, ignore_errors=True)
        self.destination.mkdir()
        shutil.copytree(WARM, self.cache, symlinks=True)

    def environment(self, server: S3Server, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the tools: the server's keys, and nothing of the user's."""
        return {
            "HOME": str(self.root),
            "PATH": environ["PATH"],
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            # The others' Python, and not what a version manager puts before it.
            "SLUGFIT_PYTHON": python(),
            "SLUGFIT_CACHE_DIR": str(self.cache),
            **server.config,
            "AWS_ENDPOINT_URL_S3": server.gateway_endpoint,
            # s5cmd's name for it.
            "S3_ENDPOINT_URL": server.gateway_endpoint,
        }


@contextmanager
def site() -> Iterator[Site]:
    """Make a directory to work in, for as long as the bench runs."""
    with TemporaryDirectory(prefix="slugfit-bench-") as root:
        made = Site(Path(root))
        made.scratch.mkdir()
        yield made


def python() -> str:
    """The interpreter behind the virtual environments."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return str(Path(sys.base_prefix) / "bin" / f"python{version}")


def warm(program: Path, environ: Mapping[str, str]) -> None:
    """Let Slugfit install what it needs for S3 into a cache, as its first use does."""
    with S3Server() as server, site() as here:
        small = here.scratch / "small"
        small.write_bytes(b"small")
        Store(server).put("warm/small", small)
        environment = {
            **environ,
            **here.environment(server, environ),
            "SLUGFIT_CACHE_DIR": str(WARM),
        }
        command = [str(program), "fetch", f"s3://{BUCKET}/warm/small", str(here.root / "fetched")]
        WARM.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
