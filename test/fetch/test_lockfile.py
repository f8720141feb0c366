"""slugfit.lock says which contents a build takes, and nothing else passes for one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.fetch.lockfile import (
    LOCK_FILE,
    Lock,
    LockAmbiguous,
    LockConflict,
    Locked,
    LockMalformed,
    LockOutdated,
    lock_models,
    read_lock,
    write_lock,
)
from support.build_log import error_text
from support.sources import located, model_from

ONE, TWO = "1" * 64, "2" * 64
HEAD = "version = 1\n[[models]]\nsource = 's3://b/k'\n"
ENTRY = f"{HEAD}size = 3\nsha256 = '{ONE}'\n"


def lock_of(app: Path, *locked: Locked) -> Lock:
    """A lock as it is read back from the app."""
    (app / LOCK_FILE).write_text(write_lock(locked), encoding="utf-8")
    lock = read_lock(app)
    assert lock is not None
    return lock


def test_without_a_lock_the_models_are_as_they_were(tmp_path: Path) -> None:
    models = (model_from("s3://b/k", "m"), model_from("k.bin", "k.bin", ONE))
    assert read_lock(tmp_path) is None
    assert lock_models(models, None) == models


def test_a_lock_is_written_for_people_who_compare_it() -> None:
    locked = [
        Locked("s3://b/k", 94192, ONE, '"6a5b"'),
        Locked("hf://org/name@v1.0/", 7, TWO, None, ("*.json",), ("a b/*",)),
        Locked("hf://org/name@v1.0/", 5, ONE),
    ]
    text = f"""\
# Written by `slugfit lock`. Commit it: a build then refuses anything else.
version = 1

[[models]]
source = "hf://org/name@v1.0/"
size = 5
sha256 = "{ONE}"

[[models]]
source = "hf://org/name@v1.0/"
size = 7
sha256 = "{TWO}"
include = ["*.json"]
exclude = ["a b/*"]

[[models]]
source = "s3://b/k"
size = 94192
sha256 = "{ONE}"
etag = "\\"6a5b\\""
"""
    assert write_lock(locked) == text
    assert write_lock([*reversed(locked), locked[0]]) == text


def test_a_lock_of_no_models_is_a_lock(tmp_path: Path) -> None:
    assert lock_of(tmp_path) == {}


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
GLOBS = st.lists(TEXTS, max_size=3).map(tuple)
SIZES = st.integers(0, 2**63 - 1)
LOCKED = st.builds(
    Locked,
    TEXTS,
    SIZES,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.none() | TEXTS,
    GLOBS,
    GLOBS,
)


@given(st.lists(LOCKED, max_size=5, unique_by=lambda locked: locked.selection))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, locked: list[Locked]
) -> None:
    lock = lock_of(tmp_path_factory.mktemp("app"), *locked)
    assert sorted(lock.values(), key=repr) == sorted(locked, key=repr)
    assert write_lock(lock.values()) == write_lock(reversed(locked))


def test_every_model_of_a_store_gets_the_checksum_of_its_lock(tmp_path: Path) -> None:
    found = {
        model_from("s3://b/k", "m/1"): ONE,
        model_from("s3://b/k", "m/2", unpack=True): ONE,
        model_from("https://host/k?X-Amz-Signature=abc", "m/3"): TWO,
        model_from("hf://org/name/", "m/4", include=("*.json",)): ONE,
        model_from("hf://org/name@main/", "m/5", exclude=("*.json",)): TWO,
        model_from("gs://b/a%20b", "m/6", TWO): TWO,
    }
    lock = lock_of(
        tmp_path,
        *(Locked.of(model, 3, sha256) for model, sha256 in found.items()),
        Locked("s3://b/no-model-names-it", 3, ONE),
    )
    assert "abc" not in (tmp_path / LOCK_FILE).read_text()
    locked = lock_models(tuple(found), lock)
    assert [model.sha256 for model in locked] == list(found.values())
    assert [model.path for model in locked] == [f"m/{number}" for number in range(1, 7)]


def test_a_signature_that_is_made_anew_changes_nothing(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, Locked.of(model_from("https://host/k?sig=old", "m"), 3, ONE))
    [model] = lock_models((model_from("https://host/k?sig=new", "m"),), lock)
    assert (model.source, model.sha256) == (located("https://host/k?sig=new"), ONE)


def test_a_file_of_the_app_is_not_locked(tmp_path: Path) -> None:
    models = (model_from("weights/k.bin", "m", ONE), model_from("weights/j.bin", "n"))
    assert lock_models(models, lock_of(tmp_path, Locked("weights/j.bin", 3, TWO))) == models


def test_all_models_that_are_not_in_the_lock_are_told_at_once(tmp_path: Path) -> None:
    models = (
        model_from("s3://b/k", "m/1"),
        model_from("https://host/k?sig=abc", "m/2", ONE),
        model_from("hf://org/name/", "m/3", include=("*.json", "*.txt")),
    )
    lock = lock_of(tmp_path, Locked("s3://b/k", 3, ONE), Locked("hf://org/name@main/", 3, ONE))
    with pytest.raises(LockOutdated) as caught:
        lock_models(models, lock)
    assert (
        error_text(caught.value)
        == """\
Error: slugfit.lock does not name every model.

not in it:
  https://host/k
  hf://org/name@main/, include *.json, *.txt

With a slugfit.lock, a build only accepts the contents that are listed in it.

To fix this:
1. In the app's directory on your computer, write the lock again and commit it:
   bin/slugfit lock
   git add slugfit.lock

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#lockoutdated
"""
    )
    assert str(caught.value) == (
        "slugfit.lock does not name https://host/k, hf://org/name@main/, include *.json, *.txt"
    )


def test_a_checksum_that_contradicts_the_lock_is_not_passed_over(tmp_path: Path) -> None:
    models = tuple(model_from(f"s3://b/{key}", key, TWO) for key in "abc")
    lock = lock_of(
        tmp_path,
        Locked("s3://b/a", 3, ONE),
        Locked("s3://b/b", 3, TWO),
        Locked("s3://b/c", 3, ONE),
    )
    with pytest.raises(LockConflict) as caught:
        lock_models(models, lock)
    assert (
        error_text(caught.value)
        == f"""\
Error: The configuration and slugfit.lock disagree.

s3://b/a
  configuration: {TWO}
  slugfit.lock:  {ONE}
s3://b/c
  configuration: {TWO}
  slugfit.lock:  {ONE}

Only one of the two checksums can be the one you mean.

To fix this:
1. If the lock is right, remove the sha256 from the configuration.
2. If the configuration is right, write the lock again and commit it:
   bin/slugfit lock
   git add slugfit.lock

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#lockconflict
"""
    )
    assert str(caught.value) == "The configuration and slugfit.lock disagree: s3://b/a, s3://b/c"


def test_two_contents_can_not_share_a_name_in_the_lock() -> None:
    models = [model_from(f"https://host/download?file={name}", name) for name in "ab"]
    entries = [
        Locked.of(model, 3, sha256) for model, sha256 in zip(models, (ONE, TWO), strict=True)
    ]
    with pytest.raises(LockAmbiguous) as caught:
        write_lock(entries)
    assert (
        error_text(caught.value)
        == """\
Error: Two different models would have the same name in the lock.

https://host/download

Their sources differ only in the query string, which can hold a signature and
is therefore not written into a file that you commit.

To fix this:
1. Give each of them a URL with a different path.
2. Pin the models in the configuration, with sha256, and remove slugfit.lock.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#lockambiguous
"""
    )


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "version: not 1, the version that this Slugfit reads"),
        ("version = 2\n", "version: not 1, the version that this Slugfit reads"),
        ("version = '1'\n", "version: not 1, the version that this Slugfit reads"),
        ("version = 1\ncolour = 'red'\n", "colour: unknown key"),
        ("version = 1\nmodels = 3\n", "models: not a list of tables"),
        ("version = 1\nmodels = [3]\n", "models[0]: not a table"),
        (HEAD, "models[0].size: not a number of bytes"),
        (f"{HEAD}size = true\nsha256 = '{ONE}'\n", "models[0].size: not a number of bytes"),
        (f"{HEAD}size = -1\nsha256 = '{ONE}'\n", "models[0].size: not a number of bytes"),
        (f"{HEAD}size = '3'\nsha256 = '{ONE}'\n", "models[0].size: not a number of bytes"),
        (
            f"{HEAD}size = 3\n",
            "models[0].sha256: not 64 hexadecimal digits, as sha256sum prints them",
        ),
        (
            f"{HEAD}size = 3\nsha256 = 'abc'\n",
            "models[0].sha256: not 64 hexadecimal digits, as sha256sum prints them",
        ),
        (f"{ENTRY}etag = 3\n", "models[0].etag: not a text in quotes"),
        (f"{ENTRY}include = '*'\n", "models[0].include: not a list of globs"),
        (f"{ENTRY}exclude = ['a', 3]\n", "models[0].exclude[1]: not a text in quotes"),
        (f"{ENTRY}colour = 'red'\n", "models[0].colour: unknown key"),
        (
            f"{ENTRY}[[models]]\nsource = 's3://b/k'\nsize = 3\nsha256 = '{TWO}'\n",
            "two contents of s3://b/k",
        ),
        (f"<<<<<<< HEAD\n{ENTRY}", "Invalid statement (at line 1, column 1)"),
    ],
)
def test_a_damaged_lock_is_named_with_what_is_wrong_in_it(
    tmp_path: Path, text: str, detail: str
) -> None:
    (tmp_path / LOCK_FILE).write_text(text)
    with pytest.raises(LockMalformed) as caught:
        read_lock(tmp_path)
    assert caught.value.detail == detail


@pytest.mark.parametrize("content", [b"version = 1 # \xff\n", b"version = " + b"[" * 20_000])
def test_a_lock_that_no_parser_can_read_is_malformed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCK_FILE).write_bytes(content)
    with pytest.raises(LockMalformed):
        read_lock(tmp_path)


def test_a_malformed_lock_tells_how_to_write_it_anew() -> None:
    assert (
        error_text(LockMalformed("models[0].size: not a number of bytes"))
        == """\
Error: slugfit.lock can't be read.

slugfit.lock
models[0].size: not a number of bytes

Without it, a build can't tell whether the models are the ones you mean.

To fix this:
1. In the app's directory on your computer, write the lock again and commit it:
   bin/slugfit lock
   git add slugfit.lock

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#lockmalformed
"""
    )


def test_a_lock_from_another_system_is_read_all_the_same(tmp_path: Path) -> None:
    text = "\ufeff" + ENTRY.replace("\n", "\r\n").replace(ONE, "A" * 64)
    (tmp_path / LOCK_FILE).write_bytes(text.encode())
    assert read_lock(tmp_path) == {("s3://b/k", (), ()): Locked("s3://b/k", 3, "a" * 64)}
