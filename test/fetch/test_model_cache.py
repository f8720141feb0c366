"""The build cache knows contents by their checksum, and sources by what they last held."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.fetch.manifest import Manifest, ManifestFile
from slugfit.fetch.model_cache import ModelCache
from slugfit.fetch.plan import CacheContents, Cached
from support.snapshot import snapshot

URL = "https://host/model?sig=5ecre7"
OTHER = "s3://bucket/other"
THIRD = "s3://bucket/third/"


class Cache:
    """A cache directory, and a store over it as each build opens it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open()

    def open(self) -> ModelCache:
        self.changes = Changes(self.root, self.root / "removed")
        self.store = ModelCache(self.root / "models", self.changes)
        return self.store

    def add(self, content: bytes, etag: str | None = '"1"') -> Cached:
        """Let `content` arrive, as a transfer does."""
        sha256 = hashlib.sha256(content).hexdigest()
        arrived = self.root.parent / "arrived"
        arrived.write_bytes(content)
        self.store.adopt(arrived, sha256)
        arrived.unlink(missing_ok=True)
        return Cached(sha256, len(content), etag)

    def add_many(self, files: dict[str, bytes], archive: bytes | None = None) -> Cached:
        """Let a directory arrive, or what an archive held."""
        listed = tuple(
            ManifestFile(path, self.add(content).sha256) for path, content in files.items()
        )
        manifest = self.store.write(Manifest.of(listed).text)
        size = sum(map(len, files.values()))
        if archive is not None:
            return Cached(hashlib.sha256(archive).hexdigest(), size, '"1"', manifest)
        return Cached(manifest, size, "1", manifest, self.store.write(b"journal"))

    def retain(self, used: dict[str, Cached], limit: int | None = None) -> tuple[str, ...]:
        dropped = self.store.retain(used, limit)
        self.changes.keep()
        return dropped

    @property
    def index(self) -> Path:
        return self.root / "models/index.json"

    @property
    def files(self) -> list[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in found)

    @property
    def stored(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in (self.root / "models/sha256").iterdir())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "slugfit")


def test_an_empty_cache_knows_nothing(cache: Cache) -> None:
    assert cache.store.contents((URL,)) == CacheContents({}, frozenset())
    assert not cache.root.exists()


def test_a_settled_source_is_known_to_the_next_build(cache: Cache) -> None:
    cached = cache.add(b"weights")
    assert cache.retain({URL: cached}) == ()
    expected = CacheContents({URL: cached}, frozenset([cached.sha256]))
    assert cache.open().contents((URL, OTHER)) == expected
    assert cache.files == ["models/index.json", f"models/sha256/{cached.sha256}"]


def test_a_source_without_an_etag_is_remembered_as_well(cache: Cache) -> None:
    cached = cache.add(b"weights", etag=None)
    cache.retain({URL: cached})
    assert cache.open().contents((URL,)).sources == {URL: cached}


def test_the_index_holds_no_url(cache: Cache) -> None:
    cache.retain({URL: cache.add(b"weights")})
    text = cache.index.read_text()
    assert "5ecre7" not in text
    assert "host" not in text
    assert json.loads(text)["schema_version"] == 2


def test_what_the_configuration_no_longer_names_leaves_the_cache(cache: Cache) -> None:
    old, new = cache.add(b"old"), cache.add(b"new")
    cache.retain({URL: old, OTHER: new})
    cache.open()
    cache.retain({OTHER: new})
    assert cache.open().contents((URL, OTHER)).sources == {OTHER: new}
    assert cache.files == ["models/index.json", f"models/sha256/{new.sha256}"]


def test_two_sources_share_one_content(cache: Cache) -> None:
    cached = cache.add(b"weights")
    cache.retain({URL: cached, OTHER: cached})
    cache.open()
    cache.retain({OTHER: cached})
    assert cache.store.holds(cached.sha256)


def test_with_no_model_left_all_contents_go(cache: Cache) -> None:
    cache.retain({URL: cache.add(b"weights")})
    cache.open()
    cache.retain({})
    assert cache.files == ["models/index.json"]
    assert cache.open().contents((URL,)) == CacheContents({}, frozenset())


def test_without_any_model_ever_nothing_is_made(cache: Cache) -> None:
    cache.retain({})
    assert not cache.root.exists()


def test_undone_everything_is_as_it_was(cache: Cache) -> None:
    cache.retain({URL: cache.add(b"old"), THIRD: cache.add_many({"a": b"1"})})
    before = snapshot(cache.root)
    cache.open()
    cache.store.retain({OTHER: cache.add(b"new"), URL: cache.add_many({"b": b"1"})}, None)
    assert snapshot(cache.root) != before
    cache.changes.undo()
    assert snapshot(cache.root) == before


def test_undone_in_a_new_cache_nothing_is_left(cache: Cache) -> None:
    cache.store.retain({URL: cache.add(b"new")}, None)
    cache.changes.undo()
    assert not cache.root.exists()


def test_only_bytes_that_fit_their_name_are_held(cache: Cache) -> None:
    cached = cache.add(b"weights")
    assert cache.store.holds(cached.sha256)
    cache.store.path(cached.sha256).write_bytes(b"WEIGHTS")
    assert not cache.store.holds(cached.sha256)
    assert not cache.store.holds("0" * 64)


def test_a_damaged_content_is_replaced_and_returned_with_an_undo(cache: Cache) -> None:
    cached = cache.add(b"weights")
    cache.retain({URL: cached})
    cache.store.path(cached.sha256).unlink()
    cache.store.path(cached.sha256).write_bytes(b"rotten")
    cache.open()
    cache.add(b"weights")
    assert cache.store.holds(cached.sha256)
    cache.changes.undo()
    assert cache.stored == [b"rotten"]


def test_a_content_that_is_held_is_not_stored_anew(cache: Cache) -> None:
    cached = cache.add(b"weights")
    before = snapshot(cache.root)
    cache.add(b"weights")
    assert cache.store.write(b"weights") == cached.sha256
    assert snapshot(cache.root) == before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="without a version"),
        pytest.param(b'{"schema_version": 2}', id="without sources"),
        pytest.param(b'{"schema_version": 1, "sources": {}}', id="of an earlier version"),
        pytest.param(b'{"schema_version": 3, "sources": {}}', id="of a later version"),
        pytest.param(b'{"schema_version": 2, "sources": []}', id="with a list of sources"),
        pytest.param(b'{"schema_version": 2, "sources": {"a": 1}}', id="with a number"),
        pytest.param(b'{"schema_version": 2, "sources": {"a": {"x": 1}}}', id="with other keys"),
    ],
)
def test_a_damaged_index_counts_as_empty_and_is_replaced(cache: Cache, damage: bytes) -> None:
    cached = cache.add(b"weights")
    cache.retain({URL: cached})
    cache.index.write_bytes(damage)
    contents = cache.open().contents((URL,))
    # A pinned model still needs no request: its content is known by its name.
    assert contents == CacheContents({}, frozenset([cached.sha256]))
    cache.retain({URL: cached})
    assert cache.open().contents((URL,)).sources == {URL: cached}


# --- many files -----------------------------------------------------------------------------


def test_a_directory_is_stored_as_its_files_and_the_list_of_them(cache: Cache) -> None:
    many = cache.add_many({"a/b": b"1", "c": b"2", "twin": b"2"})
    cache.retain({THIRD: many})
    store = cache.open()
    assert store.contents((THIRD,)).sources == {THIRD: many}
    assert len(cache.stored) == 4
    manifest = store.manifest(many.sha256)
    assert manifest is not None
    assert [file.path for file in manifest.files] == ["a/b", "c", "twin"]


@pytest.mark.parametrize("damaged", ["a", "the list"])
def test_a_directory_of_which_anything_is_damaged_is_not_held(cache: Cache, damaged: str) -> None:
    many = cache.add_many({"a": b"1", "b": b"2"})
    name = many.sha256 if damaged == "the list" else hashlib.sha256(b"1").hexdigest()
    cache.store.path(name).write_bytes(b"3")
    assert cache.store.manifest(many.sha256) is None


def test_a_content_that_is_no_list_is_no_manifest(cache: Cache) -> None:
    assert cache.store.manifest(cache.add(b"weights").sha256) is None


def test_files_that_two_directories_have_stay_while_one_is_used(cache: Cache) -> None:
    one, two = cache.add_many({"a": b"1", "b": b"2"}), cache.add_many({"a": b"1", "c": b"3"})
    cache.retain({URL: one, THIRD: two})
    cache.open()
    cache.retain({THIRD: two})
    assert cache.store.manifest(two.sha256) is not None
    assert not cache.store.holds(hashlib.sha256(b"2").hexdigest())


def test_what_an_archive_held_is_known_by_the_archives_checksum(cache: Cache) -> None:
    held = cache.add_many({"a": b"1"}, archive=b"packed")
    cache.retain({URL: held, OTHER: cache.add(b"weights"), THIRD: cache.add_many({"z": b"9"})})
    assert cache.open().contents(()).unpacked == {hashlib.sha256(b"packed").hexdigest(): held}


# --- the limit ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (None, [URL, OTHER, THIRD]),
        (600, [URL, OTHER, THIRD]),
        (599, [URL, OTHER]),
        (300, [URL, OTHER]),
        (299, [URL]),
        (99, []),
    ],
)
def test_over_the_limit_the_models_named_first_are_kept(
    cache: Cache, limit: int | None, kept: list[str]
) -> None:
    used = {
        URL: cache.add(b"1" * 100),
        OTHER: cache.add(b"2" * 200),
        THIRD: cache.add(b"3" * 300),
    }
    assert cache.retain(used, limit) == tuple(source for source in used if source not in kept)
    contents = cache.open().contents(used)
    assert contents.sources == {source: used[source] for source in kept}
    assert contents.stored == {used[source].sha256 for source in kept}


def test_a_smaller_model_takes_the_room_that_a_larger_one_leaves(cache: Cache) -> None:
    used = {URL: cache.add(b"1" * 300), OTHER: cache.add(b"2" * 100)}
    assert cache.retain(used, 200) == (URL,)


def test_what_is_stored_once_counts_once(cache: Cache) -> None:
    cached = cache.add(b"1" * 100)
    assert cache.retain({URL: cached, OTHER: cached}, 150) == ()


def test_of_a_directory_over_the_limit_nothing_is_kept(cache: Cache) -> None:
    many = cache.add_many({"a": b"1" * 100, "b": b"2" * 100})
    assert cache.retain({THIRD: many}, 150) == (THIRD,)
    assert cache.stored == []


# --- what a failed build leaves -------------------------------------------------------------


def test_what_has_begun_to_arrive_stays_when_a_build_is_undone(cache: Cache) -> None:
    part = cache.store.partial(URL)
    part.write_bytes(b"wei")
    cache.changes.undo()
    assert cache.open().partial(URL) == part
    assert part.read_bytes() == b"wei"
    assert cache.store.partial(OTHER) != part


def test_where_nothing_arrives_nothing_stays(cache: Cache) -> None:
    cache.store.partial(URL)
    cache.changes.undo()
    assert not cache.root.exists()


def test_what_arrived_is_stored_without_a_copy(cache: Cache) -> None:
    part = cache.store.partial(URL)
    part.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    cache.store.adopt(part, sha256)
    assert cache.store.path(sha256).samefile(part)


def test_a_build_that_succeeds_forgets_what_others_had_begun(cache: Cache) -> None:
    cache.store.partial(URL).write_bytes(b"wei")
    cache.store.partial(THIRD).mkdir()
    cache.retain({})
    cache.store.remove_partial()
    assert cache.files == ["models/index.json"]
    cache.store.remove_partial()
