"""A source's URL names one thing, has one spelling, and no text is an accident."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugfit.stores.azure import AzureUrl
from slugfit.stores.gcs import GcsUrl
from slugfit.stores.hub import HubUrl
from slugfit.stores.location import AppFile, StoreLocation
from slugfit.stores.registry import locate
from slugfit.stores.s3 import S3Url
from slugfit.stores.urls import StoreUrl
from slugfit.stores.web import HttpUrl
from support.sources import located, url_of

COMMIT = "6f7c1fae8ed7db9a5b0ba9c4a5ad2f1c4a2e3b11"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("s3://bucket/key", S3Url("bucket", "key")),
        ("s3://My_old.bucket/a/b c/k.bin", S3Url("My_old.bucket", "a/b c/k.bin")),
        ("s3://bucket/a%20b%3F%23%25", S3Url("bucket", "a b?#%")),
        ("s3://bucket/100%.bin", S3Url("bucket", "100%.bin")),
        ("s3://bucket//key", S3Url("bucket", "/key")),
        ("s3://bucket/key?versionId=null", S3Url("bucket", "key", "null")),
        ("s3://bucket/key?versionId=3sL4kq.-~_", S3Url("bucket", "key", "3sL4kq.-~_")),
        ("s3://bucket/directory/", S3Url("bucket", "directory/")),
        ("s3://bucket/", S3Url("bucket", "")),
        ("gs://bucket/object", GcsUrl("bucket", "object")),
        ("gs://bucket/object?generation=17", GcsUrl("bucket", "object", "17")),
        ("gs://bucket/directory/", GcsUrl("bucket", "directory/")),
        ("az://account/container/a/blob", AzureUrl("account", "container", "a/blob")),
        ("az://account/$web/blob", AzureUrl("account", "$web", "blob")),
        ("az://account/container/directory/", AzureUrl("account", "container", "directory/")),
        ("hf://org/name@v1.0/a/path", HubUrl("org/name", "a/path", "v1.0")),
        (f"hf://org/na.me-7b@{COMMIT}/path", HubUrl("org/na.me-7b", "path", COMMIT)),
        ("hf://org/name@refs%2Fpr%2F1/path", HubUrl("org/name", "path", "refs/pr/1")),
        ("hf://org/name/path", HubUrl("org/name", "path", "main")),
        ("hf://org/name@main/", HubUrl("org/name", "", "main")),
        ("hf://org/name@main/directory/", HubUrl("org/name", "directory/", "main")),
        ("https://host/path", HttpUrl("https://host/path")),
        ("http://127.0.0.1:9000/p?q=1#f", HttpUrl("http://127.0.0.1:9000/p?q=1#f")),
        ("https://host/directory/", HttpUrl("https://host/directory/")),
    ],
)
def test_a_url_names_what_is_in_a_store(url: str, named: StoreUrl) -> None:
    assert locate(url) == StoreLocation(named, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "://bucket/key",
        "ftp://host/file",
        "file:///etc/passwd",
        "S3://bucket/key",
        " s3://bucket/key",
        "s3:/bucket/key",
        "s3://",
        "s3://bucket",
        "s3:///key",
        "s3://my bucket/key",
        "s3://user@bucket/key",
        "s3://bucket:80/key",
        "s3://../key",
        "s3://bucket/key#part",
        "s3://bucket/key?",
        "s3://bucket/key?X-Amz-Signature=abc",
        "s3://bucket/key?versionId=",
        "s3://bucket/key?versionId=a&sig=b",
        "s3://bucket/directory/?versionId=1",
        "s3://bucket/directory%2F?versionId=1",
        "s3://bucket/a\nb",
        "s3://bucket/a\x1b[31mb",
        "s3://bucket/\udce4",
        "gs://bucket",
        "gs://bucket/object#17",
        "gs://bucket/object?generation=new",
        "gs://bucket/object?generation=\u0661",
        "az://account/container",
        "az://account//blob",
        "az://Account/container/blob",
        "az://account/container/blob?sv=1&sig=abc",
        "az://account.blob.core.windows.net/container/blob",
        "hf://gpt2/path",
        "hf://gpt2@main/path",
        "hf://org/name",
        "hf://org/name@main",
        "hf://org/name@/path",
        "hf://org/@main/path",
        "hf://-org/name@main/path",
        "hf://ørg/name@main/path",
        "hf://org/name@main/path?download=true",
        "hf://datasets/org/name/path",
        "hf://spaces/org/name/path",
        "https://host",
        "https://host/",
        "https:///path",
        "https://host:port/path",
        "https://host:0/path",
        "https://[host/path",
        "https://user@host/path",
        "https://user:pass@host/path",
        "https://@host/path",
    ],
)
def test_anything_else_names_nothing(url: str) -> None:
    assert locate(url) is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/a/key.bin", "key.bin"),
        ("s3://bucket/a/my%20key.bin?versionId=1", "my key.bin"),
        ("s3://bucket/a/directory/", "directory"),
        ("s3://bucket/", "bucket"),
        ("s3://bucket//", "bucket"),
        ("gs://bucket/", "bucket"),
        ("az://account/container/", "container"),
        ("hf://org/name@refs%2Fpr%2F1/", "name"),
        ("hf://org/name@main/onnx/", "onnx"),
        ("hf://org/name@main/onnx/model.onnx", "model.onnx"),
        ("https://host/a/my%20key.bin?a=1#b", "my key.bin"),
        ("https://host/directory/", ""),
    ],
)
def test_what_is_named_has_a_name_of_its_own(url: str, name: str) -> None:
    assert located(url).name == name


@pytest.mark.parametrize(
    ("url", "display"),
    [
        ("s3://bucket/a%20b/%C3%A9/100%.bin", "s3://bucket/a b/é/100%25.bin"),
        ("s3://bucket/a%3Fb%23c%0Ad", "s3://bucket/a%3Fb%23c%0Ad"),
        ("s3://bucket/a%e2%80%a8b", "s3://bucket/a%E2%80%A8b"),
        ("s3://bucket/key?versionId=1", "s3://bucket/key?versionId=1"),
        ("gs://bucket/key?generation=1", "gs://bucket/key?generation=1"),
        ("az://account/container/", "az://account/container/"),
        ("hf://org/name/path", "hf://org/name@main/path"),
        ("hf://org/name@refs%2fpr%2f1/path", "hf://org/name@refs%2Fpr%2F1/path"),
        ("https://host:8443/a%20b?X-Amz-Signature=abc#part", "https://host:8443/a%20b"),
        ("weights/100%25.bin", "weights/100%25.bin"),
    ],
)
def test_people_see_a_name_in_its_one_spelling_and_no_signature(url: str, display: str) -> None:
    assert located(url).display == display


@pytest.mark.parametrize(
    ("url", "is_prefix"),
    [
        ("s3://bucket/", True),
        ("s3://bucket/a/", True),
        ("s3://bucket/a%2F", True),
        ("s3://bucket/a", False),
        ("gs://bucket/a/", True),
        ("az://account/container/", True),
        ("hf://org/name@main/", True),
        ("hf://org/name@main/a", False),
        ("https://host/a/", False),
    ],
)
def test_a_slash_at_the_end_names_a_directory_in_a_store_but_not_in_the_web(
    url: str, is_prefix: bool
) -> None:
    assert located(url).is_prefix is is_prefix


@pytest.mark.parametrize(
    ("url", "keeps"),
    [
        ("https://host/path", True),
        ("http://host/path", False),
        ("http://localhost.host/path", False),
        ("http://127.0.0.1:9000/path", True),
        ("http://[::1]/path", True),
    ],
)
def test_secrets_are_kept_by_tls_or_by_never_leaving_the_machine(url: str, keeps: bool) -> None:
    assert HttpUrl(url).keeps_secrets is keeps


def test_a_signed_url_shows_no_signature_when_it_is_printed() -> None:
    assert "abc" not in repr(located("https://host/path?X-Amz-Signature=abc"))


NAMES = st.text(st.characters(codec="utf-8"), max_size=30)
PARTS = st.from_regex(r"\A[A-Za-z0-9](?:[A-Za-z0-9._-]{0,8}[A-Za-z0-9])?\Z")
VERSIONS = st.none() | st.from_regex(r"\A[A-Za-z0-9._~-]{1,20}\Z")
OBJECTS = NAMES.filter(lambda name: bool(name) and not name.endswith("/"))
URLS = st.one_of(
    st.builds(S3Url, PARTS, OBJECTS, VERSIONS),
    st.builds(S3Url, PARTS, NAMES.map(lambda name: f"{name}/")),
    st.builds(GcsUrl, PARTS, OBJECTS, st.none() | st.integers(0, 10**18).map(str)),
    st.builds(AzureUrl, st.just("account"), st.sampled_from(["container", "$root"]), NAMES),
    st.builds(
        HubUrl,
        st.tuples(PARTS, PARTS)
        .map("/".join)
        .filter(lambda repo: not repo.startswith(("datasets/", "spaces/"))),
        NAMES,
        NAMES.filter(bool),
    ),
)


@given(URLS)
def test_every_name_that_a_store_can_have_can_be_written(url: StoreUrl) -> None:
    assert url_of(url.display) == url


@given(
    st.one_of(
        st.text(),
        st.tuples(
            st.sampled_from(["s3", "gs", "az", "hf", "http", "https"]),
            st.lists(
                st.sampled_from([*"/@?#%:[].\0\n", "%2F", "a", "bcd", "versionId=1", "\ud800"])
            ),
        ).map(lambda parts: f"{parts[0]}://{''.join(parts[1])}"),
    )
)
@example("x:\t//[")
@example("https://a\t/[")
def test_no_text_is_an_accident_and_what_is_a_url_has_one_spelling(text: str) -> None:
    location = locate(text)
    if not isinstance(location, StoreLocation):
        assert location in (None, AppFile(text))
        return
    url, display = location.url, location.display
    assert display == located(display).display
    assert isinstance(url, HttpUrl) or url_of(display) == url
    assert "\n" not in display + str(url.is_prefix)
    assert isinstance(url.name, str)


@pytest.mark.parametrize("path", ["m.bin", "a/m.bin", "a b#c?d", "-", "%"])
def test_what_has_no_scheme_is_a_path_in_the_app(path: str) -> None:
    assert locate(path) == AppFile(path)


@pytest.mark.parametrize("text", ["", "/m.bin", "../m.bin", "a/../../m", ".", "s3:bucket", "a\0"])
def test_what_leads_out_of_the_app_names_nothing(text: str) -> None:
    assert locate(text) is None
