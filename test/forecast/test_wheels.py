"""What a wheel's table of contents tells, over ranges and without them."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.http import Network
from slugfit.forecast.failures import IndexDown
from slugfit.forecast.pylock import Wheel
from slugfit.forecast.remote_file import TAIL_BYTES, RemoteFile, Web
from slugfit.forecast.wheel_cache import WheelOutcome, WheelReader
from slugfit.forecast.wheels import LEAST_LIBRARY, WheelContents, WheelMember, read_wheel, unmapped
from slugfit.strip.native.elf.dead import shrink
from support.compiled import library, needs_compiler
from support.package_index import Package, PackageIndex

NOISE = os.urandom(300_000)  # larger than what is asked for first
BIG = Package("big", "1.0", {"big/data.bin": NOISE, "big/__init__.py": "x = 1\n" * 50}, ("dep>1",))
WEB = Web({}, Network())


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with PackageIndex([BIG]) as index:
        yield index


def url_of(index: PackageIndex, package: Package = BIG) -> str:
    return index.simple.replace("/simple/", f"/files/{package.filename}")


def wheel(index: PackageIndex, sha256: str | None = "a" * 64) -> Wheel:
    return Wheel(BIG.filename, url_of(index), None, sha256)


def test_a_large_wheel_is_known_from_its_end(index: PackageIndex) -> None:
    index.requests.clear()
    inside = read_wheel(RemoteFile(WEB, url_of(index)))  # type: ignore[arg-type] # it reads
    assert [(m.path, m.raw) for m in inside.members[:2]] == [
        ("big/data.bin", 300_000),
        ("big/__init__.py", 300),
    ]
    assert inside.requires == ("dep>1",)
    assert index.asked_for(".whl") == [f"GET /files/{BIG.filename} bytes=-{TAIL_BYTES}"]


def test_the_programs_of_a_wheel_are_its_console_scripts() -> None:
    points = "[console_scripts]\nServe = pack.cli:main\nb=pack:b\n[gui_scripts]\nc = pack:c\n"
    files = {"pack/__init__.py": "", "pack-1.0.dist-info/entry_points.txt": points}
    wheel = Package("pack", "1.0", files).content()
    assert read_wheel(io.BytesIO(wheel)).programs == ("Serve", "b")
    assert read_wheel(io.BytesIO(BIG.content())).programs == ()


def test_what_was_read_once_is_remembered(index: PackageIndex, tmp_path: Path) -> None:
    wheels = [wheel(index)]
    first = WheelReader(tmp_path, WEB).read_all(wheels)
    index.requests.clear()
    assert WheelReader(tmp_path, WEB).read_all(wheels) == first
    assert index.requests == []


def test_a_damaged_memory_is_read_anew(index: PackageIndex, tmp_path: Path) -> None:
    reader = WheelReader(tmp_path, WEB)
    first = reader.read_all([wheel(index)])
    (remembered,) = tmp_path.iterdir()
    remembered.write_bytes(b"damaged")
    assert reader.read_all([wheel(index)]) == first


def test_without_a_checksum_nothing_is_remembered(index: PackageIndex, tmp_path: Path) -> None:
    WheelReader(tmp_path, WEB).read_all([wheel(index, None)])
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_ranges_leaves_the_size_of_a_large_wheel(tmp_path: Path) -> None:
    large = Package("large", "1.0", {"large.bin": os.urandom(1_100_000)})
    with PackageIndex([large], ranges=False) as index:
        asked = Wheel(large.filename, url_of(index, large))
        (contents,) = WheelReader(tmp_path, WEB).read_all([asked]).values()
    size = len(large.content())
    assert contents == WheelOutcome(None, size, "its server does not support range requests")


def test_a_server_without_ranges_sends_a_small_wheel_whole(tmp_path: Path) -> None:
    with PackageIndex([BIG], ranges=False) as index:
        (contents,) = WheelReader(tmp_path, WEB).read_all([wheel(index)]).values()
    assert contents.inside and contents.inside.requires == ("dep>1",)


def test_a_file_that_is_gone_leaves_what_the_index_told(
    index: PackageIndex, tmp_path: Path
) -> None:
    gone = Wheel("gone-1.0-py3-none-any.whl", f"{url_of(index)}.gone", 1234)
    (contents,) = WheelReader(tmp_path, WEB).read_all([gone]).values()
    assert contents == WheelOutcome(None, 1234, "its server answers 404")


def test_what_is_no_wheel_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "broken.whl"
    file.write_bytes(b"no zip")
    broken = Wheel(file.name, file.as_uri(), 6)
    (contents,) = WheelReader(tmp_path / "memory", WEB).read_all([broken]).values()
    assert contents == WheelOutcome(None, 6, "it can't be read: File is not a zip file")


def test_a_server_that_does_not_answer_is_a_failure(tmp_path: Path) -> None:
    down = Wheel("down-1.0-py3-none-any.whl", "http://127.0.0.1:9/down-1.0-py3-none-any.whl")
    with pytest.raises(IndexDown) as failure:
        WheelReader(tmp_path, WEB).read_all([down])
    assert failure.value.said.startswith(f"{down.url}\n")
    assert "refused" in failure.value.said


def test_a_login_goes_to_its_own_host_alone(tmp_path: Path) -> None:
    with PackageIndex([BIG], login="anna:secret") as index:
        host = url_of(index).split("/")[2]
        address = url_of(index).replace("anna:secret@", "")
        asked = Wheel(BIG.filename, address)
        known = Web({host.rpartition("@")[2]: ("anna", "secret")}, Network())
        (contents,) = WheelReader(tmp_path, known).read_all([asked]).values()
        assert contents.inside
        (contents,) = WheelReader(tmp_path, WEB).read_all([asked]).values()
        assert contents == WheelOutcome(None, None, "its server answers 401")


def test_files_of_the_data_directory_go_where_an_installer_puts_them() -> None:
    names = (
        *("demo/x.py", "demo-1.0.data/purelib/demo/y.py", "demo-1.0.data/scripts/run"),
        *("demo-1.0.data/data/share/z", "demo-1.0.data/headers/demo.h"),
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for name in names:
            opened.writestr(name, "text")
    assert [member.path for member in read_wheel(packed).members] == [
        *("demo/x.py", "demo/y.py", "../../../bin/run", "../../../share/z"),
        "../../../include/headers/demo.h",
    ]


@needs_compiler
@pytest.mark.parametrize("options", [(), ("-g",), ("-s",)])
def test_what_no_loader_maps_is_what_a_strip_takes(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    functions = "\n".join(f"int function_{n}(void) {{ return {n}; }}" for n in range(400))
    file = library(tmp_path / "libdemo.so", functions, options=("-O0", *options))
    content = file.read_bytes()
    told = unmapped(content[:4096], len(content))
    taken = sum(piece.size for piece in shrink(file).dead)
    assert told is not None
    assert abs(told - taken) <= 0.02 * len(content)


@needs_compiler
def test_a_library_in_a_wheel_is_looked_into(tmp_path: Path) -> None:
    noise = ",".join(map(str, os.urandom(LEAST_LIBRARY)))
    source = f"const unsigned char noise[] = {{{noise}}};"
    file = library(tmp_path / "libdemo.so", source, options=("-O0",))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(file, "demo/libdemo.so")
        opened.writestr("demo/libsmall.so", b"\x7fELF")
    large, small = read_wheel(packed).members
    assert large.deflated >= LEAST_LIBRARY
    assert large.dead == unmapped(file.read_bytes()[:4096], large.raw)
    assert small.dead is None


@given(st.binary(max_size=4096), st.integers(0, 2**40))
def test_any_head_is_a_library_or_none(head: bytes, size: int) -> None:
    for first in (head, b"\x7fELF\x02\x01" + head):
        told = unmapped(first, size)
        assert told is None or 0 <= told <= size


@given(st.binary(max_size=300))
def test_any_bytes_are_a_wheel_or_are_refused(content: bytes) -> None:
    with suppress(zipfile.BadZipFile):
        assert read_wheel(io.BytesIO(content)) == WheelContents(())


def test_a_member_that_is_stored_counts_as_if_it_were_deflated() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("demo/text", b"a" * 1000)
    assert read_wheel(packed).members == (WheelMember("demo/text", 1000, 400),)
