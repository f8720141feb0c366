"""`bin/slugfit fetch` brings one model to where the user says, as a build would."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.stores import FIRST_BYTES
from support.chance import chance
from support.http import Reply, ScriptedServer
from support.s3 import S3Server
from support.shelf import Shelf
from support.tool import BUCKET, Tool

MODEL = b"weights" * 1000
SHA256 = hashlib.sha256(MODEL).hexdigest()
ZEROS = "0" * 64
LARGE = chance(8).randbytes(3 * FIRST_BYTES)
FILES = {"config.json": b"{}", "onnx/a b.onnx": MODEL, "onnx/back\\slash": b"", "é": b"text"}


@pytest.fixture
def model(s3: S3Server) -> str:
    s3.put(BUCKET, "m.bin", MODEL)
    return f"s3://{BUCKET}/m.bin"


@pytest.fixture
def many(s3: S3Server) -> str:
    for path, content in FILES.items():
        s3.put(BUCKET, f"many/{path}", content)
    return f"s3://{BUCKET}/many/"


def head(error: str) -> str:
    """An error's summary, place and evidence."""
    return error.partition("\n !\n !     To fix this:")[0]


# --- what arrives ---------------------------------------------------------------------------


def test_a_file(tool: Tool, model: str) -> None:
    done = tool.run("fetch", model, "out/m.bin", "--sha256", SHA256)
    assert (done.status, done.stderr) == (0, "")
    assert (
        done.log
        == f"""\
-----> Fetching out/m.bin (<size>)
       from {model}
       <size> in <time>, <rate>
       sha256 {SHA256}"""
    )
    assert tool.found == {"out/m.bin": MODEL}


@pytest.mark.parametrize("dest", [".", "there", "there/", "new/"])
def test_a_file_into_a_directory(tool: Tool, model: str, dest: str) -> None:
    (tool.desk / "there").mkdir()
    assert tool.run("fetch", model, dest).status == 0
    assert tool.found == {os.path.normpath(f"{dest}/m.bin"): MODEL}


def test_a_directory_and_its_checksum_as_sha256sum_has_it(tool: Tool, many: str) -> None:
    done = tool.run("fetch", many, "out")
    assert (done.status, done.stderr) == (0, "")
    command = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum --"
    listed = subprocess.run(
        ["bash", "-c", f"{command} | sha256sum"],
        cwd=tool.desk / "out",
        capture_output=True,
        text=True,
        check=True,
    )
    sha256 = listed.stdout.split()[0]
    assert (
        done.log
        == f"""\
-----> Fetching out (<size>)
       from {many}
       <size> in <time>, <rate>
       sha256 {sha256}"""
    )
    assert tool.found == {f"out/{path}": content for path, content in FILES.items()}
    assert tool.run("fetch", many, "out", "--sha256", sha256).status == 0
    assert tool.run("fetch", many, "other", "--sha256", ZEROS).status == 1
    assert not (tool.desk / "other").exists()


def test_a_part_of_a_directory_beside_what_is_there(tool: Tool, many: str) -> None:
    (tool.desk / "mine").write_bytes(b"mine")
    options = ["--include", "onnx", "--include", "*.json", "--exclude", "**/*slash"]
    assert tool.run("fetch", many, ".", *options).status == 0
    assert tool.found == {"mine": b"mine", "config.json": b"{}", "onnx/a b.onnx": MODEL}


def test_an_archive(tool: Tool, s3: S3Server) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as packed:
        info = tarfile.TarInfo("dir/m.bin")
        info.size = len(MODEL)
        packed.addfile(info, io.BytesIO(MODEL))
    s3.put(BUCKET, "m.tar.gz", target.getvalue())
    sha256 = hashlib.sha256(target.getvalue()).hexdigest()
    done = tool.run("fetch", f"s3://{BUCKET}/m.tar.gz", "out", "--unpack", "--sha256", sha256)
    assert (done.status, done.stderr) == (0, "")
    assert done.log.endswith(f"       sha256 {sha256}")
    assert tool.found == {"out/dir/m.bin": MODEL}


def test_a_link_with_a_signature_that_is_not_shown(tool: Tool) -> None:
    with ScriptedServer({"/m.bin": Reply(MODEL)}) as web:
        done = tool.run("fetch", f"{web.url('/m.bin')}?X-Amz-Signature=hidden", ".")
        assert web.requests[0].path == "/m.bin?X-Amz-Signature=hidden"
        failed = tool.run("fetch", f"{web.url('/gone')}?X-Amz-Signature=hidden", ".")
    assert tool.found == {"m.bin": MODEL}
    assert failed.status == 1
    assert (
        f"Error: A model is not where the configuration says.\n !\n !     {web.url('/gone')}"
        in (failed.error)
    )
    for said in (done.stdout, done.stderr, failed.stdout, failed.stderr):
        assert "hidden" not in said


def test_a_header_from_a_variable_that_is_not_shown(tool: Tool) -> None:
    with ScriptedServer({"/m.bin": Reply(MODEL)}) as web:
        line = ["fetch", web.url("/m.bin"), ".", "--authorization", "KEY"]
        done = tool.run(*line, KEY="Bearer 5ecre7")
        assert web.requests[0].headers["Authorization"] == "Bearer 5ecre7"
        refused = tool.run(*line)
    assert (done.status, refused.status) == (0, 1)
    assert "5ecre7" not in done.stdout + done.stderr
    assert "found:   config var KEY, which is not set" in refused.error


# --- what is gone on with -------------------------------------------------------------------


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf({"large.bin": LARGE}) as shelf:
        shelf.held_from = FIRST_BYTES
        yield shelf
        shelf.let_go()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_after_an_interruption_the_rest_is_fetched(
    tool: Tool, shelf: Shelf, number: signal.Signals
) -> None:
    (tool.desk / "large.bin").write_bytes(b"old")
    with tool.start("fetch", shelf.at("large.bin"), ".") as process:
        wait_for(tool.desk / ".large.bin.slugfit-part.json")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == {2: 130, 9: -9, 15: 143}[number]
    assert "Traceback" not in stdout + stderr
    assert (tool.desk / "large.bin").read_bytes() == b"old"
    shelf.let_go()
    shelf.forget_requests()
    again = tool.run("fetch", shelf.at("large.bin"), ".")
    assert again.status == 0
    assert "       resuming after <size> from an earlier run\n" in again.log
    ranges = [request.headers["Range"].removeprefix("bytes=") for request in shelf.requests]
    assert min(int(range_.partition("-")[0]) for range_ in ranges) >= FIRST_BYTES
    assert tool.found == {"large.bin": LARGE}


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- what is refused ------------------------------------------------------------------------


def test_another_content_than_the_checksum_names(tool: Tool, model: str) -> None:
    (tool.desk / "m.bin").write_bytes(b"old")
    done = tool.run("fetch", model, "m.bin", "--sha256", ZEROS)
    assert (done.status, tool.found) == (1, {"m.bin": b"old"})
    assert (
        head(done.error)
        == f"""\
 !     Error: A model does not match its checksum.
 !
 !     {model}
 !     expected sha256: {ZEROS}
 !     found sha256:    {SHA256}
 !     received: <size>
 !
 !     The object was replaced, or the checksum belongs to another file."""
    )


def test_a_source_that_is_no_store(tool: Tool) -> None:
    done = tool.run("fetch", "ftp://host/m.bin", "m.bin", "--unpack", "--include", "a")
    assert (done.status, done.stdout) == (1, "")
    assert (
        head(done.error)
        == """\
 !     Error: The configuration has a problem.
 !
 !     SOURCE
 !       found:   "ftp://host/m.bin"
 !       allowed: s3://bucket/key, gs://bucket/object, az://account/container/blob,
 !                hf://org/name@revision/path, https://host/path; a directory ends with /
 !
 !     Nothing was fetched, removed or changed."""
    )


def test_a_destination_that_is_something_else(tool: Tool, many: str) -> None:
    (tool.desk / "file").write_bytes(b"mine")
    done = tool.run("fetch", many, "file")
    assert (done.status, tool.found) == (1, {"file": b"mine"})
    assert (
        head(done.error)
        == """\
 !     Error: The configuration has a problem.
 !
 !     DEST
 !       found:   "file": Not a directory
 !       allowed: a path that can be written to
 !
 !     Nothing was fetched, removed or changed."""
    )


def test_a_checksum_that_is_none_is_not_understood(tool: Tool, model: str) -> None:
    done = tool.run("fetch", model, "m.bin", "--sha256", "abc")
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.endswith("not 64 hexadecimal digits, as sha256sum prints them\n")


# --- credentials ----------------------------------------------------------------------------


def test_without_any_key_the_store_denies_access(tool: Tool, model: str) -> None:
    no_key = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    done = tool.run("fetch", model, "m.bin", AWS_EC2_METADATA_DISABLED="true", **no_key)
    assert (done.status, tool.found) == (1, {})
    assert " !     Error: The store denies access to a model.\n" in done.error


def test_a_wrong_key_is_named_and_not_shown(tool: Tool, model: str) -> None:
    done = tool.run("fetch", model, "m.bin", AWS_SECRET_ACCESS_KEY="not/the+right=key")
    assert (done.status, tool.found) == (1, {})
    assert " !     Error: The store does not accept the key for a model.\n" in done.error
    for secret in ("not/the+right=key", tool.config["AWS_ACCESS_KEY_ID"]):
        assert secret not in done.stdout + done.stderr


def test_a_key_of_the_aws_cli_is_found_where_it_keeps_it(tool: Tool, model: str) -> None:
    config = tool.config
    (tool.home / ".aws").mkdir()
    (tool.home / ".aws/credentials").write_text(
        f"[models]\naws_access_key_id = {config['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {config['AWS_SECRET_ACCESS_KEY']}\n"
    )
    no_key = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    done = tool.run("fetch", model, "m.bin", AWS_PROFILE="models", **no_key)
    assert (done.status, tool.found) == (0, {"m.bin": MODEL})
