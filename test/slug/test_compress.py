"""What files weigh is what tar and gzip make of them."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugfit.slug.items import Item, items
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.tar_stream import tar_stream
from slugfit.slug.weigh.weigher import Weigher
from support.chance import chance

NAMES = (
    st.binary(min_size=1, max_size=30)
    .map(lambda raw: raw.translate(None, b"/\0"))
    .filter(lambda raw: raw not in (b"", b".", b".."))
    .map(os.fsdecode)
)
NOWHERE = Path("/nowhere")  # nothing is remembered
LONG = "a-directory-with-a-rather-long-name/" * 8 + "n" * 200


def real_size(app: Path) -> int:
    """What the slug compiler makes of it: `./app`, hard links in full, gzip as usual."""
    command = 'tar --create --hard-dereference --directory "$1" --transform "s,^\\.,./app," . '
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command + "| gzip -6 | wc --bytes", "bash", str(app)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(done.stdout)


def weight_of(app: Path) -> Weight:
    """As the build weighs an app: by its items."""
    loads = {item: ArchiveSpec(app, tuple(paths)) for item, paths in items(app, None, []).items()}
    return sum(Weigher(NOWHERE).weigh(loads).values(), start=Weight())


def weigh(root: Path, paths: list[str]) -> Weight:
    return Weigher(NOWHERE).weigh({"load": ArchiveSpec(root, tuple(paths))})["load"]


def assert_true(app: Path) -> None:
    weighed, real = weight_of(app).compressed, real_size(app)
    # A directory's order on disk decides what shares a block of gzip's: a good deal of one block.
    assert abs(weighed - real) <= 0.01 * real + 2500, f"{weighed} is not {real}"


def noise(size: int, seed: int = 0) -> bytes:
    """What compresses little, as weights do."""
    return chance(seed).randbytes(size)


def prose(size: int, seed: int = 0) -> bytes:
    """What compresses as source code does."""
    words = [f"word{n}" for n in range(300)]
    return " ".join(chance(seed).choices(words, k=size // 7)).encode()


def test_a_model_weighs_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(noise(1_000_000))
    weight = weigh(tmp_path, ["model"])
    assert weight.raw == 1_000_000
    assert 1_000_000 < weight.compressed < 1_002_000
    assert_true(tmp_path)


def test_sources_weigh_less(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"module_{number}.py").write_bytes(prose(20_000, number))
    weight = weight_of(tmp_path)
    assert weight.raw == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert weight.compressed < weight.raw / 2
    assert_true(tmp_path)


def test_nothing_weighs_next_to_nothing(tmp_path: Path) -> None:
    weight = weigh(tmp_path, [])
    assert weight.raw == 0
    assert weight.compressed < 100


def test_every_hard_link_counts_in_full(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(noise(300_000))
    (tmp_path / "twin").hardlink_to(tmp_path / "model")
    (tmp_path / "triplet").hardlink_to(tmp_path / "model")
    weight = weight_of(tmp_path)
    assert weight.raw == 900_000
    assert weight.compressed > 900_000
    assert_true(tmp_path)


def test_symbolic_links_weigh_their_name_alone(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(noise(300_000))
    (tmp_path / "link").symlink_to("model")
    (tmp_path / "broken").symlink_to("nowhere/" * 100)
    (tmp_path / "loop").symlink_to(".")
    weight = weight_of(tmp_path)
    assert weight.raw == 300_000
    assert_true(tmp_path)


def test_names_of_every_kind_are_weighed(tmp_path: Path) -> None:
    names = (LONG, os.fsdecode(b"\xe9t\xe9"), "größe", "a b\n\tc", "-rf", "x" * 255)
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(noise(20_000, number))
    assert_true(tmp_path)


def test_empty_files_weigh_their_names(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(noise(200_000))
    for number in range(200):
        (tmp_path / f"empty_{number}").touch()
    assert weight_of(tmp_path).raw == 200_000
    assert_true(tmp_path)


def test_many_small_directories_are_weighed_too(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"package_{number}").mkdir()
        (tmp_path / f"package_{number}/__init__.py").write_bytes(prose(1_500, number))
    assert_true(tmp_path)


def test_pipes_have_no_content(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert weigh(tmp_path, ["pipe"]).raw == 0


def test_a_file_that_is_larger_than_every_buffer_is_weighed_whole(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(noise(5_000_000) + bytes(5_000_000))
    weight = weigh(tmp_path, ["model"])
    assert weight.raw == 10_000_000
    assert 5_000_000 < weight.compressed < 5_050_000


def test_the_weight_is_the_very_size_of_such_an_archive(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_bytes(prose(100_000))
    stored = io.BytesIO()
    entry = tarfile.TarInfo("./app/m.py")
    status = (tmp_path / "m.py").stat()
    entry.size, entry.mtime = status.st_size, int(status.st_mtime)
    with tarfile.open(fileobj=stored, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(entry, io.BytesIO((tmp_path / "m.py").read_bytes()))
    ours = b"".join(tar_stream(tmp_path, ["m.py"]))
    assert stored.getvalue().startswith(ours)
    gzip = zlib.compressobj(6, zlib.DEFLATED, 31, 9)
    size = len(gzip.compress(ours) + gzip.flush())
    assert weigh(tmp_path, ["m.py"]) == Weight(status.st_size, size)


def test_items_are_weighed_each_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(noise(50_000, 1))
    (tmp_path / "b").write_bytes(noise(70_000, 2))
    one, two = Item("app", "one"), Item("model", "two")
    loads = {one: ArchiveSpec(tmp_path, ("a",)), two: ArchiveSpec(tmp_path, ("b",))}
    weights = Weigher(NOWHERE).weigh(loads)
    assert weights == {one: weigh(tmp_path, ["a"]), two: weigh(tmp_path, ["b"])}
    assert Weigher(NOWHERE).weigh({}) == {}


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        weigh(tmp_path, ["gone"])


def test_weights_add_up() -> None:
    assert Weight(1, 2) + Weight(30, 40) == Weight(31, 42)
    assert sum([Weight(1, 2)] * 3, start=Weight()) == Weight(3, 6)


MAKE: dict[str, Callable[[int, int], bytes]] = {
    "noise": noise,
    "prose": prose,
    "empty": lambda size, seed: b"",
}
_FILES = st.lists(
    st.tuples(
        st.lists(NAMES, min_size=1, max_size=3),
        st.sampled_from([*MAKE, "hard link", "symbolic link"]),
        st.integers(0, 60_000),
    ),
    max_size=12,
)


@given(_FILES)
@settings(max_examples=40, deadline=None)
def test_the_weight_of_any_tree_is_true_within_a_per_cent(
    files: list[tuple[list[str], str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        app = Path(directory)
        # A slug is never as small as its headers.
        (app / "model").write_bytes(noise(100_000))
        for number, (parts, kind, size) in enumerate(files):
            path = app.joinpath(f"d{number}", *parts)
            path.parent.mkdir(parents=True)
            if kind == "hard link":
                path.hardlink_to(app / "model")
            elif kind == "symbolic link":
                path.symlink_to(parts[0] * 5)
            else:
                path.write_bytes(MAKE[kind](size, number + 1))
        assert_true(app)
