"""What is certainly no model is recognised by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.failures import HtmlPage, LfsPointer
from unit.build_log import error_text

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)


def test_a_git_lfs_pointer_is_refused() -> None:
    with pytest.raises(LfsPointer) as caught:
        check_prefix(POINTER, "s3://bucket/model.tflite")
    assert (
        error_text(caught.value)
        == """\
Error: Instead of a model there is a Git LFS pointer.

s3://bucket/model.tflite

It is a text of three lines that says which file Git LFS keeps elsewhere.
Heroku does not fetch Git LFS files, and uploading from a clone without them
uploads the pointer.

To fix this:
1. Get the real file, and upload it to object storage:
   git lfs pull
   aws s3 cp model.tflite s3://bucket/model.tflite
2. Name that object as the model's source.

For more information, see:
https://github.com/slugfit/slugfit#fetchlfs-pointer
"""
    )


def test_an_html_page_is_refused() -> None:
    with pytest.raises(HtmlPage) as caught:
        check_prefix(b"<!DOCTYPE html>\n<title>Sign in</title>", "https://host/model.tflite")
    assert (
        error_text(caught.value)
        == """\
Error: Instead of a model there is an HTML page.

https://host/model.tflite

Sites answer with a page when a link needs a login, has expired, or leads to
a page about the file instead of the file.

To fix this:
1. Use the direct download link. To see what this one gives:
   curl --location --head 'https://host/model.tflite'
2. For private files in object storage, use s3://bucket/key with a key.

For more information, see:
https://github.com/slugfit/slugfit#fetchhtml-page
"""
    )


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
        check_prefix(page, "https://host/x")


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
    check_prefix(model, "https://host/x")


def test_only_the_first_bytes_count() -> None:
    check_prefix(b" " * PREFIX_BYTES + b"<html>", "https://host/x")


@given(st.binary(max_size=64))
def test_what_follows_a_marker_changes_nothing(rest: bytes) -> None:
    with pytest.raises(LfsPointer):
        check_prefix(POINTER[:43] + rest, "x")
    with pytest.raises(HtmlPage):
        check_prefix(b"<html" + rest, "x")
