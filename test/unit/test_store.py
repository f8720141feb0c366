"""The build cache knows contents by their checksum, and sources by what they last held."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from slugfit.files import Changes
from slugfit.models.store import ModelStore
from slugfit.plan import CacheContents, Cached
from support.snapshot import snapshot

URL = "https://host/model?sig=5ecre7"
OTHER = "s3://bucket/other"


class Cache:
    """A cache directory, and a store over it as each build opens it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open()

    def open(self) -> ModelStore:
        self.changes = Changes(self.root, self.root / "removed")
        self.store = ModelStore(self.root / "models", self.changes)
        return self.store

    def add(self, content: bytes) -> Cached:
        """Let `content` arrive, as a transfer does."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.prepare()
        self.store.path(sha256).write_bytes(content)
        self.store.added(sha256)
        return Cached(sha256, len(content), '"1"')

    def settle(self, used: dict[str, Cached]) -> None:
        self.store.settle(used)
        self.changes.keep()

    @property
    def index(self) -> Path:
        return self.root / "models/index.json"

    @property
    def files(self) -> list[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in found)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "slugfit")


def test_an_empty_cache_knows_nothing(cache: Cache) -> None:
    assert cache.store.contents((URL,)) == CacheContents({}, frozenset())
    assert not cache.root.exists()


def test_a_settled_source_is_known_to_the_next_build(cache: Cache) -> None:
    cached = cache.add(b"weights")
    cache.settle({URL: cached})
    expected = CacheContents({URL: cached}, frozenset([cached.sha256]))
    assert cache.open().contents((URL, OTHER)) == expected
    assert cache.files == ["models/index.json", f"models/sha256/{cached.sha256}"]


def test_a_source_without_an_etag_is_remembered_as_well(cache: Cache) -> None:
    arrived = cache.add(b"weights")
    cached = Cached(arrived.sha256, arrived.bytes)
    cache.settle({URL: cached})
    assert cache.open().contents((URL,)).sources == {URL: cached}


def test_the_index_holds_no_url(cache: Cache) -> None:
    cache.settle({URL: cache.add(b"weights")})
    text = cache.index.read_text()
    assert "5ecre7" not in text
    assert "host" not in text
    assert json.loads(text)["schema_version"] == 1


def test_what_the_configuration_no_longer_names_leaves_the_cache(cache: Cache) -> None:
    old, new = cache.add(b"old"), cache.add(b"new")
    cache.settle({URL: old, OTHER: new})
    cache.open()
    cache.settle({OTHER: new})
    assert cache.open().contents((URL, OTHER)).sources == {OTHER: new}
    assert cache.files == ["models/index.json", f"models/sha256/{new.sha256}"]


def test_two_sources_share_one_content(cache: Cache) -> None:
    cached = cache.add(b"weights")
    cache.settle({URL: cached, OTHER: cached})
    cache.open()
    cache.settle({OTHER: cached})
    assert cache.store.verified(cached.sha256) is not None


def test_with_no_model_left_all_contents_go(cache: Cache) -> None:
    cache.settle({URL: cache.add(b"weights")})
    cache.open()
    cache.settle({})
    assert cache.files == ["models/index.json"]
    assert cache.open().contents((URL,)) == CacheContents({}, frozenset())


def test_without_any_model_ever_nothing_is_made(cache: Cache) -> None:
    cache.settle({})
    assert not cache.root.exists()


def test_left_overs_of_a_killed_build_leave_the_cache(cache: Cache) -> None:
    cached = cache.add(b"weights")
    cache.store.path(".incoming.x.part").write_bytes(b"half")
    cache.settle({URL: cached})
    assert cache.files == ["models/index.json", f"models/sha256/{cached.sha256}"]


def test_undone_everything_is_as_it_was(cache: Cache) -> None:
    cache.settle({URL: cache.add(b"old")})
    before = snapshot(cache.root)
    cache.open()
    cache.store.settle({OTHER: cache.add(b"new")})
    assert snapshot(cache.root) != before
    cache.changes.undo()
    assert snapshot(cache.root) == before


def test_undone_in_a_new_cache_nothing_is_left(cache: Cache) -> None:
    cache.store.settle({URL: cache.add(b"new")})
    cache.changes.undo()
    assert not cache.root.exists()


def test_only_bytes_that_fit_their_name_are_verified(cache: Cache) -> None:
    cached = cache.add(b"weights")
    path = cache.store.path(cached.sha256)
    assert cache.store.verified(cached.sha256) == path
    path.write_bytes(b"WEIGHTS")
    assert cache.store.verified(cached.sha256) is None
    assert cache.store.verified("0" * 64) is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="without a version"),
        pytest.param(b'{"schema_version": 1}', id="without sources"),
        pytest.param(b'{"schema_version": 2, "sources": {}}', id="of a later version"),
        pytest.param(b'{"schema_version": 1, "sources": []}', id="with a list of sources"),
        pytest.param(b'{"schema_version": 1, "sources": {"a": 1}}', id="with a number"),
        pytest.param(b'{"schema_version": 1, "sources": {"a": {"x": 1}}}', id="with other keys"),
    ],
)
def test_a_damaged_index_counts_as_empty_and_is_replaced(cache: Cache, damage: bytes) -> None:
    cached = cache.add(b"weights")
    cache.settle({URL: cached})
    cache.index.write_bytes(damage)
    contents = cache.open().contents((URL,))
    # A pinned model still needs no request: its content is known by its name.
    assert contents == CacheContents({}, frozenset([cached.sha256]))
    cache.settle({URL: cached})
    assert cache.open().contents((URL,)).sources == {URL: cached}
