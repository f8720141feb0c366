"""A manifest is what sha256sum prints, and comes back from it whatever the names are."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.fetch import manifest as module
from slugfit.fetch.manifest import Manifest, ManifestFile

ZEROS = "0" * 64
# Any bytes that can be a name: also those that are no text, and line ends.
NAMES = st.binary(min_size=1, max_size=6).map(
    lambda name: os.fsdecode(name.replace(b"\0", b"\n").replace(b"/", b"\\"))
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.builds(
    ManifestFile, PATHS, st.binary().map(lambda data: hashlib.sha256(data).hexdigest())
)
MANIFESTS = st.lists(FILES, max_size=6, unique_by=lambda file: file.path).map(
    lambda files: Manifest.of(tuple(files))
)


@given(MANIFESTS)
def test_a_manifest_is_parsed_from_its_text(manifest: Manifest) -> None:
    assert Manifest.parse(manifest.text) == manifest
    assert hashlib.sha256(manifest.text).hexdigest() == manifest.sha256


@given(st.lists(FILES, max_size=6, unique_by=lambda file: file.path))
def test_the_order_of_the_files_does_not_matter(files: list[ManifestFile]) -> None:
    assert Manifest.of(tuple(files)).text == Manifest.of(tuple(reversed(files))).text


@given(MANIFESTS, MANIFESTS)
def test_different_files_have_different_manifests(one: Manifest, other: Manifest) -> None:
    assert (one.text == other.text) is (one == other)


def test_it_reads_as_the_output_of_sha256sum() -> None:
    files = (
        ManifestFile("sub/b.bin", "b" * 64),
        ManifestFile("B", ZEROS),
        ManifestFile("a\\n", "a" * 64),
    )
    text = f"{ZEROS}  B\n\\{'a' * 64}  a\\\\n\n{'b' * 64}  sub/b.bin\n"
    assert Manifest.of(files).text == text.encode()


def test_the_command_that_the_module_names_prints_the_same(tmp_path: Path) -> None:
    contents = {
        b"config.json": b"{}",
        b"B": b"",
        b"sub/dir/a b.bin": b"weights",
        b"sub-dir": b"-",
        b"back\\slash\\n": b"1",
        b"line\nbreak\r": b"2",
        b"\xff no text": b"3",
        "sub/é".encode(): b"4",
        b"-option": b"5",
    }
    for name, content in contents.items():
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    manifest = Manifest.of(
        tuple(
            ManifestFile(os.fsdecode(name), hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        )
    )
    command = (module.__doc__ or "").strip().splitlines()[-1]
    assert command.startswith("find . ")
    printed = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert manifest.text == printed


@pytest.mark.parametrize(
    "text",
    [
        b"weights",
        b"\n",
        f"{ZEROS}  a".encode(),
        f"{ZEROS} a\n".encode(),
        f"{ZEROS[1:]}  a\n".encode(),
        f"{ZEROS}  a\n\n".encode(),
        f"{ZEROS.replace('0', 'A')}  a\n".encode(),
    ],
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a manifest"):
        Manifest.parse(text)
