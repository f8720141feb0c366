"""`bin/slugfit lock` writes down what an app's models are now: builds then take nothing else."""

from __future__ import annotations

import hashlib

import pytest

from slugfit.fetch.manifest import Manifest, ManifestFile
from support.s3 import S3Server
from support.tool import BUCKET, Tool

MODEL = b"weights" * 1000
SHA256 = hashlib.sha256(MODEL).hexdigest()
FILES = {"config.json": b"{}", "onnx/m.onnx": MODEL}
LISTED = tuple(
    ManifestFile(path, hashlib.sha256(content).hexdigest()) for path, content in FILES.items()
)
MANY = Manifest.of(LISTED).sha256
SETTINGS = f"""\
[[models]]
source = "s3://{BUCKET}/locked.bin"

[[models]]
source = "s3://{BUCKET}/locked/"

[[models]]
source = "models/own.bin"
"""


@pytest.fixture(autouse=True)
def _models(s3: S3Server) -> None:
    s3.put(BUCKET, "locked.bin", MODEL)
    for path, content in FILES.items():
        s3.put(BUCKET, f"locked/{path}", content)


def test_the_models_of_an_app_are_written_down(tool: Tool) -> None:
    (tool.desk / "slugfit.toml").write_text(SETTINGS)
    done = tool.run("lock")
    assert (done.status, done.stderr) == (0, "")
    assert (
        done.log
        == f"""\
-----> Fetching models/locked.bin (<size>)
       from s3://{BUCKET}/locked.bin
       <size> in <time>, <rate>
       sha256 {SHA256}
-----> Fetching models/locked (<size>)
       from s3://{BUCKET}/locked/
       <size> in <time>, <rate>
       sha256 {MANY}
-----> Wrote slugfit.lock: commit it"""
    )
    lock = (tool.desk / "slugfit.lock").read_text()
    etags = [line for line in lock.splitlines() if line.startswith("etag = ")]
    assert (
        lock
        == f"""\
# Written by `slugfit lock`. Commit it: a build then refuses anything else.
version = 1

[[models]]
source = "s3://{BUCKET}/locked.bin"
size = 7000
sha256 = "{SHA256}"
{etags[0]}

[[models]]
source = "s3://{BUCKET}/locked/"
size = 7002
sha256 = "{MANY}"
{etags[1]}
"""
    )
    assert set(tool.found) == {"slugfit.toml", "slugfit.lock"}
    assert list((tool.cache / "locking").iterdir()) == []


def test_an_app_elsewhere_is_locked_there(tool: Tool) -> None:
    (tool.desk / "my app").mkdir()
    (tool.desk / "my app/slugfit.toml").write_text(SETTINGS)
    done = tool.run("lock", "my app")
    assert done.status == 0
    assert done.log.endswith("-----> Wrote my app/slugfit.lock: commit it")
    assert (tool.desk / "my app/slugfit.lock").is_file()


def test_locking_again_changes_only_what_changed(tool: Tool, s3: S3Server) -> None:
    (tool.desk / "slugfit.toml").write_text(SETTINGS)
    tool.run("lock")
    first = (tool.desk / "slugfit.lock").read_text()
    tool.run("lock")
    assert (tool.desk / "slugfit.lock").read_text() == first
    s3.put(BUCKET, "locked.bin", b"new")
    tool.run("lock")
    second = (tool.desk / "slugfit.lock").read_text()
    changed = set(second.splitlines()) - set(first.splitlines())
    assert {line.split()[0] for line in changed} == {"size", "sha256", "etag"}


def test_what_fails_leaves_the_lock_as_it_was(tool: Tool, s3: S3Server) -> None:
    (tool.desk / "slugfit.toml").write_text(f'{SETTINGS}\nsource = "s3://{BUCKET}/gone"')
    (tool.desk / "slugfit.lock").write_text("mine")
    invalid = tool.run("lock")
    assert invalid.status == 1
    assert "Error: slugfit.toml is not valid TOML." in invalid.error
    (tool.desk / "slugfit.toml").write_text(
        f'{SETTINGS}\n[[models]]\nsource = "s3://{BUCKET}/gone"'
    )
    missing = tool.run("lock")
    assert missing.status == 1
    assert f" !     s3://{BUCKET}/gone\n" in missing.error
    assert (tool.desk / "slugfit.lock").read_text() == "mine"
    for secret in (s3.secret_key, s3.access_key):
        assert secret not in missing.stdout + missing.stderr


def test_a_pin_that_the_store_contradicts_is_not_locked(tool: Tool) -> None:
    (tool.desk / "slugfit.toml").write_text(
        f'[[models]]\nsource = "s3://{BUCKET}/locked.bin"\nsha256 = "{"0" * 64}"\n'
    )
    done = tool.run("lock")
    assert done.status == 1
    assert "Error: A model does not match its checksum." in done.error
    assert not (tool.desk / "slugfit.lock").exists()


def test_an_app_without_models_has_an_empty_lock(tool: Tool) -> None:
    assert tool.run("lock").status == 0
    assert (tool.desk / "slugfit.lock").read_text().splitlines()[1:] == ["version = 1"]
