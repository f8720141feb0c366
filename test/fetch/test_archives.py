"""Archives by tar, zip and Python, honest and hostile; none changes what is not its own."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugfit.base.errors import Failure
from slugfit.fetch.archives import unpack
from slugfit.fetch.archives.failures import (
    ArchiveEncrypted,
    ArchiveExpands,
    ArchiveUnreadable,
    ArchiveUnsafe,
)
from support.build_log import error_text
from support.paths import REPOSITORY
from support.snapshot import snapshot
from support.sources import url_of

SOURCE = url_of("s3://bucket/model.tar.gz")
NOISE = random.Random(1).randbytes(100_000)  # noqa: S311 (the same each time)
MB = 1_000_000
MIB = 1024 * 1024

Tree = dict[str, bytes]
Entry = tarfile.TarInfo | tuple[str, bytes]


def zstd() -> ModuleType:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip("this Python was built without zstd")


def by_zstd(content: bytes, option: str, value: int) -> bytes:
    packer = zstd().ZstdCompressor(options={zstd().CompressionParameter[option]: value})
    return bytes(packer.compress(content) + packer.flush())


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda content: by_zstd(content, "checksum_flag", 1),
}


# --- packing and unpacking ------------------------------------------------------------------


def unpacked(content: bytes) -> Tree:
    """What `content` unpacks to. Nothing else may have changed, whether it unpacks or not."""
    with tempfile.TemporaryDirectory() as parent:
        archive, into = Path(parent, "archive"), Path(parent, "deep/into")
        archive.write_bytes(content)
        into.mkdir(parents=True)
        before = {**snapshot(Path(parent))}
        try:
            paths = unpack(archive, into, SOURCE)
        finally:
            after = snapshot(Path(parent))
            assert {k: v for k, v in after.items() if not k.startswith("deep/into/")} == before
            assert all(stat.S_ISREG(e.mode) or stat.S_ISDIR(e.mode) for e in after.values())
        found = [p for p in into.rglob("*") if p.is_file()]
        assert paths == tuple(sorted(str(p.relative_to(into)) for p in found))
        return {path: (into / path).read_bytes() for path in paths}


def tar(members: Iterable[Entry], form: int = 2) -> bytes:
    """A tar of these, whatever their names."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=form, errors="surrogateescape") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return content.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def symlink(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.SYMTYPE, target)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.LNKTYPE, target)


def zipped(
    members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip of these, whatever their names, unless they are empty."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")
        for info, data in members:
            archive.writestr(zip_member(info) if isinstance(info, str) else info, data, method)
    return content.getvalue()


def zip_member(name: str, mode: int = 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo()
    info.filename = name  # as it is: what makes a ZipInfo of a name puts it in order
    info.external_attr = mode << 16
    return info


def no_file_is_a_directory(tree: Tree) -> bool:
    return not any(path.startswith(f"{file}/") for file in tree for path in tree)


# Bytes, as Linux names its files: most are text, some are not.
parts = (
    st.binary(min_size=1, max_size=30)
    .filter(lambda name: not set(b"/\0") & set(name) and name not in (b".", b"..", b".DS_Store"))
    .map(os.fsdecode)
) | st.text("aé漢 -", min_size=1, max_size=255).filter(lambda name: len(os.fsencode(name)) <= 255)
paths = st.lists(parts, min_size=1, max_size=5).map("/".join).filter(lambda p: p[1:3] != ":/")
trees = st.dictionaries(paths, st.binary(max_size=2000), min_size=1, max_size=6).filter(
    no_file_is_a_directory
)


@given(trees, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_any_tree_in_a_tar_unpacks_to_the_same_files(tree: Tree, form: int) -> None:
    assert unpacked(tar(tree.items(), form)) == tree


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_content_says_how_a_tar_is_compressed(compression: str) -> None:
    tree = {"model/weights": NOISE, "model/vocabulary.txt": b"a\n" * 1000}
    assert unpacked(COMPRESSIONS[compression](tar(tree.items()))) == tree


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name != "tar"])
def test_compressed_parts_that_follow_one_another_are_one_tar(compression: str) -> None:
    content, compress = tar([("a", NOISE)]), COMPRESSIONS[compression]
    pieces = [content[start : start + 30_000] for start in range(0, len(content), 30_000)]
    assert unpacked(b"".join(map(compress, pieces))) == {"a": NOISE}


def test_a_compressed_part_may_end_where_a_read_ends() -> None:
    content = tar([("a", NOISE)])
    first, second = (by_zstd(part, "checksum_flag", 1) for part in (content[:9000], content[9000:]))
    skipped = bytes(64 * 1024 - len(first) - 8)  # a frame of no content fills the first read
    frame = b"\x50\x2a\x4d\x18" + struct.pack("<I", len(skipped)) + skipped
    assert unpacked(first + frame + second) == unpacked(frame + first + second) == {"a": NOISE}


@given(
    st.dictionaries(
        st.lists(st.text("aé漢. -", min_size=1, max_size=9), min_size=1, max_size=4)
        .filter(lambda parts: not {".", ".."} & set(parts))
        .map("/".join),
        st.binary(max_size=2000),
        min_size=1,
    ).filter(no_file_is_a_directory),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_any_tree_in_a_zip_unpacks_to_the_same_files(tree: Tree, method: int) -> None:
    assert unpacked(zipped(tree.items(), method)) == tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Of each kind one, as people's directories have them."""
    tree = tmp_path / "tree"
    (tree / "model/assets").mkdir(parents=True)
    (tree / "empty").mkdir()
    (tree / "model/weights").write_bytes(NOISE)
    (tree / "model/run").write_bytes(b"#!/bin/sh\n")
    (tree / "model/run").chmod(0o755)
    (tree / "model/assets/é 漢.txt").write_bytes(b"words")
    (tree / os.fsdecode(b"no text: \xff")).write_bytes(b"latin")
    os.link(tree / "model/weights", tree / "model/same")
    (tree / "latest").symlink_to("model/assets/link")
    (tree / "model/assets/link").symlink_to("../weights")
    with (tree / "sparse").open("wb") as file:
        file.seek(3 * MB)
        file.write(NOISE)
        file.truncate(7 * MB)
    return tree


COMMANDS = {
    f"{command} {options}": [command, *options.split()]
    for command, options in [
        ("tar", "--create --format=gnu --file"),
        ("tar", "--create --format=posix --file"),
        ("tar", "--create --format=gnu --sparse --file"),
        ("tar", "--create --format=posix --sparse --file"),
        ("tar", "--create --format=posix --sparse --sparse-version=0.1 --file"),
        ("tar", "--create --gzip --dereference --file"),
        ("tar", "--create --use-compress-program=zstd --file"),
        ("tar", "--create --xz --file"),
        ("tar", "--create --bzip2 --file"),
        ("zip", "--quiet --recurse-paths"),
        ("zip", "--quiet --recurse-paths --symlinks"),
        ("zip", "--quiet --recurse-paths --symlinks -0 --force-zip64"),
    ]
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_usual_tools_pack_unpacks_to_the_same_files(tree: Path, command: str) -> None:
    archive, into = tree.parent / "archive.zip", tree.parent / "into"
    into.mkdir()
    if not shutil.which(COMMANDS[command][0]) or ("zstd" in command and not zstd()):
        pytest.skip("is not installed")
    subprocess.run([*COMMANDS[command], archive, "."], cwd=tree, check=True)
    paths = unpack(archive, into, SOURCE)
    for path in paths:
        mode = 0o755 if os.access(tree / path, os.X_OK) else 0o644
        if (tree / path).stat().st_mode & 0o111 == 0:
            mode = 0o644
        assert stat.S_IMODE((into / path).lstat().st_mode) == mode
    assert subprocess.run(["diff", "--recursive", tree, into], check=False).returncode == 0
    assert all(e.mode != stat.S_IFLNK for e in snapshot(into).values())


def test_modes_do_not_depend_on_who_builds(tmp_path: Path) -> None:
    archive, into = tmp_path / "archive", tmp_path / "into"
    secret = tarfile.TarInfo("directory/secret")
    secret.mode = 0o4600
    archive.write_bytes(tar([member("run", tarfile.REGTYPE), secret]))
    into.mkdir()
    umask = os.umask(0o077)
    try:
        unpack(archive, into, SOURCE)
    finally:
        os.umask(umask)
    modes = {path: stat.S_IMODE(entry.mode) for path, entry in snapshot(into).items()}
    assert modes == {"directory": 0o755, "directory/secret": 0o644, "run": 0o644}


def test_a_tar_may_begin_its_names_with_a_dot_and_name_its_directories() -> None:
    directories = [member("./", tarfile.DIRTYPE), member("./model", tarfile.DIRTYPE)]
    assert unpacked(tar([*directories, ("./model//a", b"1")])) == {"model/a": b"1"}


def test_what_macos_adds_is_kept_out() -> None:
    names = ["m/a", "m/.DS_Store", "__MACOSX/m/._a", "__MACOSX/._m", "m/__MACOSX/a", ".DS_Store"]
    members = [(name, b"1") for name in names]
    kept = {"m/a": b"1", "m/__MACOSX/a": b"1"}
    assert unpacked(zipped([("__MACOSX/", b""), *members])) == kept
    assert unpacked(tar(members)) == kept


def test_what_macos_adds_leaves_no_directory(tmp_path: Path) -> None:
    archive, into = tmp_path / "archive", tmp_path / "into"
    archive.write_bytes(zipped([("__MACOSX/", b""), ("__MACOSX/._a", b"1"), ("a", b"1")]))
    into.mkdir()
    unpack(archive, into, SOURCE)
    assert os.listdir(into) == ["a"]


def test_names_that_differ_in_case_are_different_files() -> None:
    assert unpacked(tar([("A", b"1"), ("a", b"2")])) == {"A": b"1", "a": b"2"}


@pytest.mark.parametrize(("system", "letter"), [(3, "é".encode()), (3, b"\xff"), (0, b"\x82")])
def test_a_zip_without_utf_8_has_bytes_by_unix_and_letters_by_dos(
    system: int, letter: bytes
) -> None:
    info = zipfile.ZipInfo("x" * len(letter))
    info.create_system = system
    content = zipped([(info, b"1")]).replace(info.filename.encode(), letter)
    assert unpacked(content) == {os.fsdecode(letter) if system else "é": b"1"}


def test_an_archive_in_an_archive_stays_one() -> None:
    inner = zipped([(f"{n}.zip", zipped([("zeros", bytes(MB))])) for n in range(16)])
    assert unpacked(zipped([("inner.zip", inner)])) == {"inner.zip": inner}


# --- hostile names --------------------------------------------------------------------------


hostile_names = st.lists(
    st.sampled_from(["..", ".", "", "a", "b", "C:", "\\", "..\\", "x" * 256, "漢"]),
    min_size=1,
    max_size=6,
).map(lambda parts: "/".join(parts) or "./")


@given(st.lists(hostile_names, max_size=4))
def test_no_name_leaves_the_directory(names: list[str]) -> None:
    for pack in (tar, zipped):
        try:
            tree = unpacked(pack([(name, b"1") for name in names]))
        except (ArchiveUnsafe, ArchiveUnreadable):
            continue
        assert not any(".." in name.split("/") or name.startswith("/") for name in names)
        assert set(tree) <= {os.path.normpath(name) for name in names}


@given(hostile_names, hostile_names, st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE]))
def test_no_link_leaves_the_directory(name: str, target: str, kind: bytes) -> None:
    mode = stat.S_IFLNK | 0o777
    honest = ("a/b", b"1")
    for content in (
        tar([honest, member(name, kind, target), ("a/link/c", b"2"), (f"{name}/d", b"3")]),
        zipped([honest, (zip_member(name, mode), target.encode()), (f"{name}/d", b"3")]),
        tar([member(name, kind, target), honest]),
        zipped([(zip_member(name, mode), target.encode()), honest]),
    ):
        try:
            tree = unpacked(content)
        except (ArchiveUnsafe, ArchiveUnreadable):
            continue
        assert set(tree.values()) <= {b"1", b"2", b"3"}


def reason(content: bytes) -> str:
    with pytest.raises(ArchiveUnsafe) as caught:
        unpacked(content)
    return caught.value.detail


LONG = "its name is too long for a file"
TAKEN = "another member has the same name"
KIND = "it is a device, a pipe, or of another kind that no model needs"
ENDLESS = "it is a link in a chain that is too long or has no end"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/passwd", "/etc/passwd begins at the root of the file system"),
        ("//etc/passwd", "//etc/passwd begins at the root of the file system"),
        ("C:/model", "C:/model begins at the root of the file system"),
        ("../a", "../a leads out of its directory"),
        ("a/../../b", "a/../../b leads out of its directory"),
        ("a/..", "a/.. leads out of its directory"),
        ("x" * 256, LONG),
        ("漢" * 86, LONG),
        ("a/" * 2000 + "b", LONG),
        ("__MACOSX/../../a", "__MACOSX/../../a leads out of its directory"),
    ],
)
def test_a_name_that_is_not_safe_is_refused(name: str, why: str) -> None:
    assert reason(tar([(name, b"1")])) == reason(zipped([(name, b"1")])) == why


def test_a_name_with_a_zero_byte_is_refused() -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"path": "a\0b"}
    assert reason(tar([info])) == "a\0b has a zero byte"
    assert reason(zipped([("a\0b", b"1")])) == "a\0b has a zero byte"


@pytest.mark.parametrize("name", ["..\\a", "\\\\server\\a", "C:\\a", "directory\\a"])
def test_a_backslash_is_a_letter_in_a_tar_and_refused_in_a_zip(name: str) -> None:
    assert reason(zipped([(name, b"1")])) == "its name has a backslash"
    assert unpacked(tar([(name, b"1")])) == {name: b"1"}


@pytest.mark.parametrize(
    ("members", "why"),
    [
        pytest.param([("", b"1")], "its name is empty", id="no name"),
        pytest.param([(".", b"1")], "its name is empty", id="the top as a file"),
        pytest.param([("a", b"1"), ("a", b"2")], f"{TAKEN} and a different content", id="twice"),
        pytest.param([("a", b"1"), ("a", b"12")], f"{TAKEN} and a different content", id="longer"),
        pytest.param([("a", b"12"), ("a", b"1")], f"{TAKEN} and a different content", id="shorter"),
        pytest.param([("a", b"1"), ("a/b", b"2")], TAKEN, id="file then directory"),
        pytest.param([("a/b", b"1"), ("a", b"2")], TAKEN, id="directory then file"),
        pytest.param([("a", b"1"), member("a", tarfile.DIRTYPE)], TAKEN, id="directory over file"),
        pytest.param([("a", b"1"), symlink("b", "a"), ("b", b"1")], TAKEN, id="file over link"),
        pytest.param([("a", b"1"), symlink("b", "a"), ("b/c", b"1")], TAKEN, id="through a link"),
        pytest.param(
            [("a", b"1"), ("c", b"1"), symlink("b", "a"), symlink("b", "c")], TAKEN, id="two links"
        ),
        pytest.param([("a", b"1"), symlink("a/b", "../a")], TAKEN, id="link below a file"),
        pytest.param([member("a", tarfile.CHRTYPE)], KIND, id="character device"),
        pytest.param([member("a", tarfile.BLKTYPE)], KIND, id="block device"),
        pytest.param([member("a", tarfile.FIFOTYPE)], KIND, id="pipe"),
        pytest.param([member("a", b"D")], KIND, id="GNU tar's list of a directory"),
        pytest.param(
            [symlink("a", "/etc/passwd")],
            "/etc/passwd begins at the root of the file system",
            id="absolute link",
        ),
        pytest.param(
            [("a/b", b"1"), symlink("a/c", "../../x")],
            "../x leads out of its directory",
            id="link that leaves",
        ),
        pytest.param(
            [hard_link("a", "../x")], "../x leads out of its directory", id="hard link that leaves"
        ),
        pytest.param(
            [("d/a", b"1"), symlink("l", "d")],
            "it links to d, which is not a file of the archive",
            id="link to a directory",
        ),
        pytest.param(
            [("d/a", b"1"), symlink("d/l", "..")],
            "it links to the root, which is not a file of the archive",
            id="link to the top",
        ),
        pytest.param(
            [("a", b"1"), symlink("l", "b")],
            "it links to b, which is not a file of the archive",
            id="link to nothing",
        ),
        pytest.param(
            [("a", b"1"), symlink("l", "a/.."), ("b", b"")],
            "it links to the root, which is not a file of the archive",
            id="link around a file",
        ),
        pytest.param([symlink("a", "b"), symlink("b", "a")], ENDLESS, id="circle"),
        pytest.param([symlink("a", "a")], ENDLESS, id="link to itself"),
        pytest.param([hard_link("a", "a")], ENDLESS, id="hard link to itself"),
        pytest.param(
            [("0", b"1"), *(symlink(str(n + 1), str(n)) for n in range(50))],
            ENDLESS,
            id="long chain",
        ),
    ],
)
def test_a_member_that_is_not_safe_is_refused(members: list[Entry], why: str) -> None:
    assert reason(tar(members)) == why


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_device_in_a_zip_is_refused(kind: int) -> None:
    assert reason(zipped([(zip_member("a", kind | 0o644), b"")])) == KIND


def test_a_zip_leads_nowhere_by_a_link() -> None:
    link = zip_member("a", stat.S_IFLNK | 0o777)
    assert reason(zipped([(link, b"../x"), ("a/b", b"1")])) == "../x leads out of its directory"


# --- links and doubles ----------------------------------------------------------------------


def test_a_link_becomes_another_name_of_its_file_wherever_that_stands() -> None:
    members: list[Entry] = [
        symlink("latest", "./v2//../v1/model"),
        hard_link("v1/model", "data/model"),
        ("data/model", NOISE),
        symlink("data/again", "../latest"),
    ]
    assert unpacked(tar(members)) == dict.fromkeys(
        ["latest", "v1/model", "data/model", "data/again"], NOISE
    )


def test_a_link_takes_no_space(tmp_path: Path) -> None:
    archive, into = tmp_path / "archive", tmp_path / "into"
    archive.write_bytes(tar([("a", NOISE), symlink("b", "a")]))
    into.mkdir()
    unpack(archive, into, SOURCE)
    assert (into / "a").samefile(into / "b")


def test_links_count_like_the_files_that_they_become() -> None:
    links: list[Entry] = [symlink(f"link{n}", "a") for n in range(1000)]
    with pytest.raises(ArchiveExpands):
        unpacked(tar([("a", bytes(MB)), *links]))


def test_the_same_member_twice_is_there_once() -> None:
    twice: list[Entry] = [("a", NOISE), ("a", NOISE), symlink("b", "a"), symlink("b", "./a")]
    assert unpacked(tar(twice)) == {"a": NOISE, "b": NOISE}


# --- bombs ----------------------------------------------------------------------------------


def overlapping(count: int) -> bytes:
    """D. Fifield's bomb: each member quotes the header behind it, and all end in one kernel."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = bytes(9 * MB)
    data = packer.compress(plain) + packer.flush()
    entries: list[tuple[bytes, bytes, int]] = []
    for number in reversed(range(count)):
        name = b"%04d" % number
        sizes = (zlib.crc32(plain), len(data), len(plain), len(name))
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, *sizes, 0)
        local = b"PK\3\4" + fields + name
        entries.append((fields, name, len(local) + len(data)))
        data = struct.pack("<BHH", 0, len(local), len(local) ^ 0xFFFF) + local + data
        plain = local + plain
    data = data[5:]  # nothing quotes the first header
    directory = b"".join(
        b"PK\1\2\x14\0" + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(data) - behind) + name
        for fields, name, behind in reversed(entries)
    )
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(data), 0)
    return data + directory + b"PK\5\6" + end


def found(content: bytes) -> str:
    """What is said of an archive that can't be read."""
    with pytest.raises(ArchiveUnreadable) as caught:
        unpacked(content)
    return caught.value.detail


def test_members_of_a_zip_that_share_bytes_are_refused() -> None:
    assert unpacked(overlapping(1)) == {"0000": bytes(9 * MB)}
    bomb = overlapping(20)
    assert len(bomb) < 12_000
    assert found(bomb) == "read as: .zip\nfound:   members overlap: 0001"


def test_members_of_a_zip_that_are_the_same_bytes_are_refused() -> None:
    content = zipped([("a", NOISE), ("b", NOISE)])
    second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 4)
    pointing = content[: second + 42] + bytes(4) + content[second + 46 :]
    assert found(pointing) == "read as: .zip\nfound:   members overlap: b"


@pytest.mark.parametrize("compression", [c for c in COMPRESSIONS if c != "tar"])
def test_a_tar_of_zeros_is_refused_before_it_is_all_unpacked(compression: str) -> None:
    zeros = tarfile.TarInfo("zeros")
    zeros.size = 8 * 10**9
    compressed = COMPRESSIONS[compression](zeros.tobuf(tarfile.GNU_FORMAT) + bytes(40 * MB))
    with pytest.raises(ArchiveExpands) as caught:
        unpacked(compressed)
    assert caught.value.detail.splitlines()[0].startswith("compressed: ")


def test_a_zip_of_zeros_is_refused() -> None:
    with pytest.raises(ArchiveExpands):
        unpacked(zipped([(f"{n}", bytes(6 * MB)) for n in range(4)]))


def test_zeros_behind_the_end_of_a_tar_count_as_well() -> None:
    with pytest.raises(ArchiveExpands):
        unpacked(gzip.compress(tar([("a", b"1")]) + bytes(40 * MB)))


def test_holes_count_as_the_zeros_that_they_become(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10**9)
    archive = tmp_path / "archive"
    subprocess.run(["tar", "-C", tmp_path, "-Scf", archive, "sparse"], check=True)
    with pytest.raises(ArchiveExpands):
        unpacked(archive.read_bytes())


def test_a_small_archive_may_expand_more_than_a_large_one() -> None:
    assert unpacked(gzip.compress(tar([("a", bytes(10 * MB))]))) == {"a": bytes(10 * MB)}


def test_a_zip_of_too_many_members_is_refused_before_its_directory_is_read() -> None:
    entries = 400_000
    size = entries * 46
    start = zipped([("a", b"1")])
    end = struct.pack("<HHHHIIH", 0, 0, entries % 65536, entries % 65536, size, len(start), 0)
    entry = b"PK\1\2" + bytes(42)
    with pytest.raises(ArchiveExpands) as caught:
        unpacked(start + entry * entries + b"PK\5\6" + end)
    assert caught.value.detail == "members: over 100,000 files"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_fills_the_memory_is_refused(kind: bytes) -> None:
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, 2**32
    content = bz2.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(8 * MB))
    assert found(content) == "read as: .tar.bz2\nfound:   a header is too large"


def test_a_map_of_holes_that_fills_the_memory_is_refused() -> None:
    header = bytearray(member("sparse", tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    more = b"00000000001\0" * 42 + b"\1" + bytes(7)
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content = bytes(header) + more * 4000
    assert found(content) == "read as: .tar\nfound:   a header is too large"


def test_headers_of_headers_without_an_end_are_refused() -> None:
    header = tarfile.TarInfo.create_pax_global_header({"comment": "x"})
    assert found(header * 1500).startswith("read as: .tar\n")


# --- memory ---------------------------------------------------------------------------------

PEAK = """\
import sys
from pathlib import Path
from slugfit.base.errors import Failure
from slugfit.fetch.archives import unpack
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
before = peak()
try:
    print(*unpack(Path(sys.argv[1]), Path(sys.argv[2]), "source"))
except Failure as failure:
    print(type(failure).__name__)
print((peak() - before) // 1024)
"""


def memory(archive: Path) -> tuple[str, int]:
    """What a process says that unpacks `archive`, and the MiB that it needs for that."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as into:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, archive, into],
            env={"PYTHONPATH": str(REPOSITORY / "lib")},
            check=True,
            capture_output=True,
            text=True,
        )
    said, peak = done.stdout.splitlines()
    return said, int(peak)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 MB that shrink to a fiftieth."""
    large = tmp_path_factory.mktemp("archive") / "large"
    with large.open("wb") as file:
        for _ in range(300):
            file.write(os.urandom(20_000) * 50)
    return large


@pytest.mark.parametrize(
    ("command", "most"),
    [
        ("tar -c large | gzip -1", 16),
        ("tar -c large | zstd -1 --zstd=wlog=26", 96),
        ("zip -1 - large", 16),
    ],
)
def test_a_large_member_needs_no_more_memory_than_a_small_one(
    large: Path, command: str, most: int
) -> None:
    if "zstd" in command and not (zstd() and shutil.which("zstd")):
        pytest.skip("is not installed")
    archive = large.parent / "archive"
    subprocess.run(f"{command} > {archive}", shell=True, cwd=large.parent, check=True)  # noqa: S602
    said, peak = memory(archive)
    assert said == "large"
    assert peak <= most


def test_too_many_members_of_a_tar_are_refused_and_none_is_kept_in_memory(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    again = member("a", tarfile.DIRTYPE).tobuf()
    archive.write_bytes(gzip.compress(again * 100_001, 1))
    said, peak = memory(archive)
    assert said == "ArchiveExpands"
    assert peak <= 16


def test_headers_for_all_members_are_not_kept_in_memory(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with archive.open("wb") as file:
        for number in range(100):
            headers = {str(number): "x" * 900_000}
            file.write(tarfile.TarInfo.create_pax_global_header(headers))
            file.write(member(f"a{number}", tarfile.REGTYPE).tobuf())
        file.write(bytes(1024))
    said, peak = memory(archive)
    assert said.startswith("a0 a1 a10 ")
    assert peak <= 24


def test_a_header_of_negative_size_fills_no_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("header")
    header.type, header.size = tarfile.XHDTYPE, -1024
    archive = tmp_path / "archive"
    archive.write_bytes(
        by_zstd(header.tobuf(tarfile.GNU_FORMAT) + bytes(200 * MB), "checksum_flag", 0)
    )
    said, peak = memory(archive)
    assert said == "ArchiveUnreadable"
    assert peak <= 32


def test_a_decoder_that_asks_for_too_much_memory_gets_none(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 * MIB}]
    content = lzma.compress(tar([("a", b"1")]), filters=filters)
    assert found(content) == "read as: .tar.xz\nfound:   Memory usage limit exceeded"


def test_zstd_with_a_large_window_is_refused_with_a_reason() -> None:
    with pytest.raises(ArchiveUnreadable) as caught:
        unpacked(by_zstd(tar([("a", NOISE)]), "window_log", 27))
    assert "for zstd's --long, nor --ultra -22." in error_text(caught.value)


# --- damage ---------------------------------------------------------------------------------


def changed(content: bytes, behind: bytes, offset: int, new: bytes) -> bytes:
    """`content` with `new` at so many bytes from where `behind` is."""
    start = content.index(behind) + offset
    return content[:start] + new + content[start + len(new) :]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        pytest.param(b"", "read as: .tar\nfound:   empty file", id="nothing"),
        pytest.param(b"words", "read as: .tar\nfound:   truncated header", id="text"),
        pytest.param(NOISE, "read as: .tar\nfound:   invalid header", id="noise"),
        pytest.param(bytes(10_240), "read as: .tar\nfound:   no files", id="zeros"),
        pytest.param(zipped([]), "read as: .zip\nfound:   no files", id="an empty zip"),
        pytest.param(
            tar([member("a", tarfile.DIRTYPE)]), "read as: .tar\nfound:   no files", id="no files"
        ),
        pytest.param(
            gzip.compress(b"words"), "read as: .tar.gz\nfound:   truncated header", id="no tar"
        ),
        pytest.param(
            tar([("a", NOISE)])[:100_864],
            "read as: .tar\nfound:   it ends early, or is damaged",
            id="a tar without its end",
        ),
        pytest.param(
            zipped([("a", NOISE)], zipfile.ZIP_BZIP2),
            "read as: .zip\nfound:   a is compressed by another method than deflate",
            id="a zip by bzip2",
        ),
        pytest.param(
            changed(zipped([("a", b"words" * 99)]), b"a", 1, b"\xff"),
            "read as: .zip\nfound:   Error -3 while decompressing data: invalid block type",
            id="a zip with a member that does not decompress",
        ),
        pytest.param(
            changed(zipped([("a", NOISE)]), b"PK\1\2", 6, b"\xff"),
            "read as: .zip\nfound:   zip file version 25.5",
            id="a zip of the future",
        ),
        pytest.param(
            changed(zipped([("a", b"words" * 99)]), b"PK\1\2", 24, b"\xff\xff"),
            "read as: .zip\nfound:   a is not as long as announced",
            id="a zip that is said to hold more",
        ),
    ],
)
def test_what_is_no_archive_is_told(content: bytes, detail: str) -> None:
    assert found(content) == detail


HONEST = [("model/weights", NOISE[:5000]), ("model/words", b"a\n" * 500)]


@pytest.mark.parametrize("compression", [*COMPRESSIONS, "zip"])
@settings(max_examples=30)
@given(data=st.data())
def test_an_archive_that_ends_early_is_never_unpacked(
    compression: str, data: st.DataObject
) -> None:
    whole = zipped(HONEST) if compression == "zip" else COMPRESSIONS[compression](tar(HONEST))
    # A tar's second block of zeros, and what follows, says nothing.
    end = 512 * 15 if compression == "tar" else len(whole)
    with pytest.raises(ArchiveUnreadable):
        unpacked(whole[: data.draw(st.integers(0, end - 1))])


@pytest.mark.parametrize("compression", [*COMPRESSIONS, "zip"])
@settings(max_examples=30)
@given(data=st.data())
def test_damage_is_told_or_does_no_harm(compression: str, data: st.DataObject) -> None:
    whole = zipped(HONEST) if compression == "zip" else COMPRESSIONS[compression](tar(HONEST))
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        tree = unpacked(bytes(damaged))
    except Failure as failure:
        assert error_text(failure)
    else:
        assert compression == "tar" or sorted(tree.values()) == sorted(dict(HONEST).values())


def test_a_checksum_behind_the_last_member_is_checked() -> None:
    content = bytearray(gzip.compress(tar([("a", NOISE)])))
    content[-8] ^= 1
    assert "CRC check failed" in found(bytes(content))


def test_a_negative_size_leads_nowhere() -> None:
    header = bytearray(member("a", tarfile.REGTYPE).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert found(bytes(header) * 3).startswith("read as: .tar\n")


@pytest.mark.parametrize("offset", [2**32 - 2, 2**63 - 27, 2**63, 2**64 - 1])
def test_a_zip_that_points_far_away_is_damaged(offset: int) -> None:
    info = zipfile.ZipInfo("a")
    content = zipped([(info, b"1")])
    entry = content.index(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, offset)
    moved = content[entry : entry + 30] + struct.pack("<H", len(extra)) + bytes(10)
    directory = moved + b"\xff" * 4 + b"a" + extra
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), entry, 0)
    assert found(content[:entry] + directory + b"PK\5\6" + end).startswith("read as: .zip\n")


# --- what people read -----------------------------------------------------------------------


def test_an_archive_with_a_password_is_told(tmp_path: Path) -> None:
    if not shutil.which("zip"):
        pytest.skip("zip is not installed")
    (tmp_path / "weights").write_bytes(NOISE)
    subprocess.run(["zip", "-qP", "word", "a.zip", "weights"], cwd=tmp_path, check=True)
    with pytest.raises(ArchiveEncrypted) as caught:
        unpacked((tmp_path / "a.zip").read_bytes())
    assert (
        error_text(caught.value)
        == """\
Error: A model's archive needs a password.

s3://bucket/model.tar.gz
member: weights

To fix this:
1. Create the archive again without a password, and upload it. The store's
   access keys keep it private.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#unpackencrypted
"""
    )


def test_more_than_slugfit_unpacks_is_told_with_the_limit() -> None:
    assert (
        error_text(ArchiveExpands(SOURCE, "members: over 100,000 files"))
        == """\
Error: A model's archive holds more than Slugfit unpacks.

s3://bucket/model.tar.gz
members: over 100,000 files

Slugfit unpacks at most 100 times an archive's size, and 100,000 files. No model
needs more: the archive is damaged, or built to fill the disk.

To fix this:
1. Check what the archive holds, create it again, and upload it.
2. If that is what it should hold, upload its files without an archive, and name
   their directory as the source: s3://bucket/directory/

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#unpackexpands-too-much
"""
    )


def test_a_member_that_is_not_safe_is_told_on_lines_of_its_own() -> None:
    with pytest.raises(ArchiveUnsafe) as caught:
        unpacked(tar([("../\033[2J\n\udcff" + "x" * 300, b"1")]))
    text = error_text(caught.value)
    shown = ("../\\x1b[2J\\n\\udcff" + "x" * 300)[:200] + "…"
    assert f"\nmember: {shown}\nreason: {shown}\n" in text
    assert text.isascii() or text.replace("…", "").isascii()


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    archive, small = tmp_path / "archive", tmp_path / "small"
    archive.write_bytes(gzip.compress(tar([("a", NOISE * 30)])))
    small.mkdir()
    script = f"mount -t tmpfs -o size=1m tmpfs {small} && exec {sys.executable} -c '{PEAK}' $0 $1"
    unshare = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", small], check=False).returncode:
        pytest.skip("may not mount")
    done = subprocess.run(
        [*unshare, "sh", "-c", script, archive, small],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "lib")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[0] == "NoSpace"
