"""The list of stores: each declaration fits, and needs nothing that has to be installed first."""

from __future__ import annotations

import subprocess
import sys

from slugfit.stores.registry import FORMS, STORES, examples, takers_of
from support.paths import REPOSITORY
from support.sources import url_of


def test_the_example_of_a_store_is_one_of_its_urls() -> None:
    assert [url_of(store.example).store for store in STORES] == list(STORES)


def test_no_two_stores_share_a_scheme() -> None:
    schemes = [scheme for store in STORES for scheme in store.schemes]
    assert sorted(FORMS) == sorted(schemes)


def test_the_examples_fill_the_lines_of_an_error() -> None:
    assert examples(quote="'") == (
        "'s3://bucket/key', 'gs://bucket/object', 'az://account/container/blob',\n"
        "           'hf://org/name@revision/path', 'https://host/path'"
    )


def test_an_option_names_the_stores_that_take_it() -> None:
    assert takers_of("requester_pays") == "s3://"
    assert takers_of("authorization") == "https://"


def test_the_declarations_are_there_before_anything_is_installed() -> None:
    script = f"import sys; sys.path = [{str(REPOSITORY / 'lib')!r}, *sys.path]"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{script}; import slugfit.stores.registry"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
