"""Which dependencies a build's models ask for."""

from __future__ import annotations

import sys

import pytest

from slugfit.fetch.clients import groups_for, open_source
from slugfit.helper.dependencies import Group
from slugfit.settings.model import Settings
from slugfit.stores.azure_client import AzureBlob, AzurePrefix
from slugfit.stores.gcs_client import GcsObject, GcsPrefix
from slugfit.stores.hub_client import HubObject, HubPrefix
from slugfit.stores.s3_client import S3Object, S3Prefix
from slugfit.stores.web_client import HttpObject
from support.sources import model_from, url_of

ZSTD = () if sys.version_info >= (3, 14) else (Group.ZSTD,)


def settings(*sources: str, unpack: bool = False) -> Settings:
    return Settings(models=tuple(model_from(s, "path", unpack=unpack) for s in sources))


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ("s3://bucket/key", (Group.S3,)),
        ("gs://bucket/object", (Group.GS,)),
        ("az://account/container/blob", (Group.AZ,)),
        ("hf://org/name/model.bin", ()),
        ("https://host/model.bin", ()),
        ("models/in-the-app.bin", ()),
    ],
)
def test_a_store_asks_for_its_client(source: str, groups: tuple[Group, ...]) -> None:
    assert groups_for(settings(source)) == groups


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("s3://bucket/key", S3Object),
        ("s3://bucket/directory/", S3Prefix),
        ("gs://bucket/object", GcsObject),
        ("gs://bucket/directory/", GcsPrefix),
        ("az://account/container/blob", AzureBlob),
        ("az://account/container/directory/", AzurePrefix),
        ("hf://org/name/model.bin", HubObject),
        ("hf://org/name/", HubPrefix),
        ("https://host/model.bin", HttpObject),
        ("https://host/model/", HttpObject),
    ],
)
def test_a_source_is_opened_by_the_client_of_its_store(source: str, kind: type[object]) -> None:
    opened = open_source(model_from(source, "m"), Settings())
    assert type(opened) is kind
    assert opened.url == url_of(source)


def test_a_build_without_models_asks_for_nothing() -> None:
    assert groups_for(settings()) == ()


def test_each_group_is_asked_for_once_and_always_in_the_same_order() -> None:
    mixed = settings("az://acc/container/b", "s3://b/1", "s3://b/2", "gs://b/o")
    assert groups_for(mixed) == (Group.S3, Group.GS, Group.AZ)


@pytest.mark.parametrize("name", ["m.tar.zst", "m.tzst", "m", "M.TAR.ZST", "m.bin?versionId=a.zip"])
def test_an_archive_that_can_be_zstd_asks_for_its_decoder(name: str) -> None:
    assert groups_for(settings(f"https://host/{name}", unpack=True)) == ZSTD


@pytest.mark.parametrize("name", ["m.tar", "m.tar.gz", "m.tgz", "m.zip", "M.ZIP", "m.zip?x=1"])
def test_an_archive_that_is_named_otherwise_does_not(name: str) -> None:
    assert groups_for(settings(f"https://host/{name}", unpack=True)) == ()


def test_a_zstd_file_that_stays_packed_does_not() -> None:
    assert groups_for(settings("https://host/m.tar.zst")) == ()
