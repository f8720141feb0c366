"""What is certainly no model is recognised by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.fetch.content import PREFIX_BYTES, check_prefix
from slugfit.fetch.failures import HtmlPage, LfsPointer
from slugfit.stores.location import AppFile
from support.build_log import error_text
from support.sources import url_of

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)


def test_a_git_lfs_pointer_is_refused() -> None:
    with pytest.raises(LfsPointer) as caught:
        check_prefix(POINTER, url_of("s3://bucket/model.tflite"))
    assert (
        error_text(caught.value)
        == """\
Error: The model is a Git LFS pointer, not the file itself.

s3://bucket/model.tflite

A pointer is a short text that says which file Git LFS stores elsewhere. Heroku
does not fetch Git LFS files, and uploading from a clone without them uploads
the pointer.

To fix this:
1. Get the real file, and upload it to object storage:
   git lfs pull
   aws s3 cp model.tflite s3://bucket/model.tflite
2. Name that object as the model's source.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchlfs-pointer
"""
    )


def test_an_html_page_is_refused() -> None:
    with pytest.raises(HtmlPage) as caught:
        check_prefix(
            b"<!DOCTYPE html>\n<title>Sign in</title>", url_of("https://host/model.tflite")
        )
    assert (
        error_text(caught.value)
        == """\
Error: The model is an HTML page.

https://host/model.tflite

Sites respond with a page when a link needs a login, has expired, or leads to
a page about the file instead of the file.

To fix this:
1. Use the direct download link. To see what this one returns:
   curl --location --head 'https://host/model.tflite'
2. For private files in object storage, use s3://bucket/key with a key.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchhtml-page
"""
    )


def test_a_page_among_the_apps_files_comes_with_a_command_for_files() -> None:
    with pytest.raises(HtmlPage) as caught:
        check_prefix(b"<html>", AppFile("models/m.bin"))
    fix = "1. Use the direct download link. To see what this one returns:"
    assert f"{fix}\n   head -c 500 'models/m.bin'\n" in error_text(caught.value)


@pytest.mark.parametrize(
    "page",
    [
        b"<html>",
        b"<HTML lang=en>",
        b"<!doctype HTML public",
        b"\r\n\t <!DOCTYPE html>",
        b"\xef\xbb\xbf<!DOCTYPE html>",
        b"\xef\xbb\xbf\n<html>",
    ],
)
def test_pages_are_recognised_in_every_spelling(page: bytes) -> None:
    with pytest.raises(HtmlPage):
        check_prefix(page, url_of("https://host/x"))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b"\x1c\x00\x00\x00TFL3", id="TFLite"),
        pytest.param(b"\x80\x04\x95", id="pickle"),
        pytest.param(b'<?xml version="1.0"?><PMML>', id="PMML, which is XML"),
        pytest.param(b"version 2 of a model", id="a text that begins as a pointer does"),
        pytest.param(b'{"a": "<html>"}', id="a text that holds a page"),
        pytest.param(b" " + POINTER, id="git itself accepts no such pointer"),
    ],
)
def test_models_pass(model: bytes) -> None:
    check_prefix(model, url_of("https://host/x"))


def test_only_the_first_bytes_count() -> None:
    check_prefix(b" " * PREFIX_BYTES + b"<html>", url_of("https://host/x"))


@given(st.binary(max_size=64))
def test_what_follows_a_marker_changes_nothing(rest: bytes) -> None:
    with pytest.raises(LfsPointer):
        check_prefix(POINTER[:43] + rest, AppFile("x"))
    with pytest.raises(HtmlPage):
        check_prefix(b"<html" + rest, AppFile("x"))
