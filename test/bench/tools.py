"""The tools that are compared: what each is asked to do, as its manual says for the case."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.loads import BUCKET, Uploaded
from support.paths import SHARED_CACHE

PEERS = SHARED_CACHE / "bench" / "venv"
DOWNLOAD = Path(__file__).with_name("boto3_download.py")

SLUGFIT, YARDSTICK = "slugfit", "s5cmd"


@dataclass(frozen=True)
class Job:
    """A load, and where each tool is to put it."""

    uploaded: Uploaded
    destination: Path
    # What curl has in place of arguments.
    urls: Path

    @property
    def source(self) -> str:
        """The object's URL, or the prefix's."""
        return f"s3://{BUCKET}/{self.uploaded.load.key}"

    @property
    def target(self) -> str:
        """The file to write, or the directory of many."""
        if self.is_one:
            return str(self.destination / self.uploaded.load.names[0])
        return f"{self.destination}/"

    @property
    def is_one(self) -> bool:
        """Tell whether the load is a single object."""
        return self.uploaded.load.count == 1


def commands(job: Job, program: Path) -> dict[str, list[str]]:
    """Return each tool's command for a job; Slugfit's with `program`."""
    _write_urls(job)
    verified = {f"{YARDSTICK}, openssl": _verified(job)} if job.is_one else {}
    return {
        SLUGFIT: slugfit(job, program),
        YARDSTICK: _s5cmd(job),
        **verified,
        "aws s3 cp": _aws(job),
        "boto3": _boto3(job),
        "curl": _curl(job),
    }


def slugfit(job: Job, program: Path) -> list[str]:
    """Return Slugfit's command."""
    check = ["--sha256", *job.uploaded.sha256.values()] if job.is_one else []
    return [str(program), "fetch", job.source, job.target, *check]


def _s5cmd(job: Job) -> list[str]:
    source = job.source if job.is_one else f"{job.source}*"
    return [str(_s5cmd_program()), "cp", source, job.target]


def _verified(job: Job) -> list[str]:
    """What does as much as Slugfit: no other tool compares what it got with what it should get.

    With openssl: many a sha256sum knows nothing of the processor's instructions for it.
    """
    (sha256,) = job.uploaded.sha256.values()
    digest = shlex.join(["openssl", "dgst", "-sha256", job.target])
    return ["sh", "-c", f"{shlex.join(_s5cmd(job))} && {digest} | grep -q {sha256}"]


def _aws(job: Job) -> list[str]:
    many = [] if job.is_one else ["--recursive"]
    return [str(PEERS / "bin/aws"), "s3", "cp", "--only-show-errors", *many, job.source, job.target]


def _boto3(job: Job) -> list[str]:
    return [str(PEERS / "bin/python"), str(DOWNLOAD), BUCKET, job.uploaded.load.key, job.target]


def _curl(job: Job) -> list[str]:
    many = [] if job.is_one else ["--parallel"]
    return ["curl", "--fail", "--silent", "--show-error", *many, "--config", str(job.urls)]


def _write_urls(job: Job) -> None:
    lines = (
        f'url = "{url}"\noutput = "{job.destination / name}"\n'
        for name, url in job.uploaded.urls.items()
    )
    job.urls.write_text("".join(lines))


def _s5cmd_program() -> Path:
    """Find the program itself: what the package installs in bin/ starts a Python first."""
    return next(PEERS.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"))


def versions(environment: Mapping[str, str]) -> list[str]:
    """Say which versions of the others are compared."""
    questions = (
        ["sh", "-c", f"echo s5cmd $({_s5cmd_program()} version)"],
        [str(PEERS / "bin/aws"), "--version"],
        [str(PEERS / "bin/python"), "-c", "import boto3; print('boto3', boto3.__version__)"],
        ["curl", "--version"],
    )
    return [_first_words(question, environment) for question in questions]


def _first_words(question: list[str], environment: Mapping[str, str]) -> str:
    said = subprocess.run(question, env=environment, capture_output=True, text=True, check=True)
    return " ".join(said.stdout.split()[:2])
