"""Weights are remembered by content, and by nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.changes import Changes
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight, compressed_size
from slugfit.slug.weigh.weigher import Weigher
from support.chance import chance


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a/one").write_bytes(chance(1).randbytes(10_000))
    (tree / "a/two").write_bytes(b"2" * 5_000)
    (tree / "link").symlink_to("a/one")
    return tree


FILES = ["a/one", "a/two", "link"]


def weigh(weigher: Weigher, root: Path, paths: list[str]) -> Weight:
    return weigher.weigh({"load": ArchiveSpec(root, tuple(paths))})["load"]


def fresh(tree: Path) -> Weight:
    """What nobody remembers."""
    size = compressed_size(ArchiveSpec(tree, tuple(FILES)).stream())
    return Weight(15_000, size)


def digest_of(root: Path, paths: list[str]) -> str:
    return ArchiveSpec(root, tuple(paths)).hash().hexdigest


def saved(weigher: Weigher, file: Path) -> dict[str, int]:
    changes = Changes(file.parent, file.parent / "side")
    weigher.save(changes)
    changes.keep()
    sizes: dict[str, dict[str, int]] = json.loads(file.read_text())["sizes"]
    return {hashed: size["compressed_bytes"] for hashed, size in sizes.items()}


def test_a_group_that_was_weighed_before_is_known_by_its_hash(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache/weights.json"
    first = Weigher(file)
    weight = weigh(first, tree, FILES)
    assert weight == fresh(tree)
    [(key, size)] = saved(first, file).items()
    assert size == weight.compressed
    # Whoever reads another size from the file has not compressed anything.
    document = json.loads(file.read_text())
    document["sizes"][key]["compressed_bytes"] = 42
    file.write_text(json.dumps(document))
    assert weigh(Weigher(file), tree, FILES) == Weight(weight.raw, 42)


def test_groups_that_are_gone_are_forgotten(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache/weights.json"
    weigher = Weigher(file)
    weigh(weigher, tree, FILES)
    before = saved(weigher, file)
    (tree / "a/two").write_bytes(b"3" * 5_000)
    weigher = Weigher(file)
    weigh(weigher, tree, FILES)
    after = saved(weigher, file)
    assert len(after) == 1
    assert after.keys() != before.keys()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"schema_version": 9}', '{"schema_version": 1}', "\xff"]
)
def test_a_damaged_memory_counts_as_none(tree: Path, tmp_path: Path, content: str) -> None:
    file = tmp_path / "weights.json"
    file.write_text(content, encoding="latin-1")
    assert weigh(Weigher(file), tree, FILES) == fresh(tree)


def test_the_time_of_a_file_does_not_matter_and_everything_else_does(tree: Path) -> None:
    before = digest_of(tree, FILES)
    os.utime(tree / "a/one", (0, 0))
    assert digest_of(tree, FILES) == before
    others = {digest_of(tree, FILES[:2])}
    (tree / "link").unlink()
    (tree / "link").symlink_to("a/two")
    others.add(digest_of(tree, FILES))
    (tree / "link").unlink()
    (tree / "link").write_bytes(b"a/two")
    others.add(digest_of(tree, FILES))
    assert len(others | {before}) == 4


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=2, unique=True))
def test_bytes_can_not_wander_from_one_file_to_the_next(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    tree = tmp_path_factory.mktemp("tree")
    hashes = []
    for one, two in (contents, contents[::-1], [b"".join(contents), b""]):
        (tree / "one").write_bytes(one)
        (tree / "two").write_bytes(two)
        hashes.append(((one, two), digest_of(tree, ["one", "two"])))
    assert len({pair for pair, _ in hashes}) == len({key for _, key in hashes})


def test_parts_of_files_are_weighed_and_remembered(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache/weights.json"
    parts = ArchiveSpec(tree, ranges=(("a/one", 100, 5_000), ("a/two", 0, 5_000)))
    weigher = Weigher(file)
    weight = weigher.weigh({"parts": parts})["parts"]
    assert weight.raw == 0  # they are parts of files that are there
    assert 5_000 < weight.compressed < 5_200  # noise stays, twos go
    assert list(saved(weigher, file).values()) == [weight.compressed]
    (tree / "a/one").write_bytes(b"")
    (tree / "a/two").write_bytes(b"")
    assert Weigher(file).weigh({"parts": parts})["parts"].compressed < 30
