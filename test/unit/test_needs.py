"""Which dependencies a build's models ask for."""

from __future__ import annotations

import sys

import pytest

from slugfit.dependencies import Group
from slugfit.needs import groups_for
from slugfit.settings.model import ModelSettings, Settings

ZSTD = () if sys.version_info >= (3, 14) else (Group.ZSTD,)


def settings(*sources: str, unpack: bool = False) -> Settings:
    return Settings(models=tuple(ModelSettings(s, "path", unpack=unpack) for s in sources))


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


def test_a_build_without_models_asks_for_nothing() -> None:
    assert groups_for(settings()) == ()


def test_each_group_is_asked_for_once_and_always_in_the_same_order() -> None:
    mixed = settings("az://a/c/b", "s3://b/1", "s3://b/2", "gs://b/o")
    assert groups_for(mixed) == (Group.S3, Group.GS, Group.AZ)


@pytest.mark.parametrize("name", ["m.tar.zst", "m.tzst", "m", "M.TAR.ZST", "m.bin?versionId=a.zip"])
def test_an_archive_that_can_be_zstd_asks_for_its_decoder(name: str) -> None:
    assert groups_for(settings(f"https://host/{name}", unpack=True)) == ZSTD


@pytest.mark.parametrize("name", ["m.tar", "m.tar.gz", "m.tgz", "m.zip", "M.ZIP", "m.zip?x=1"])
def test_an_archive_that_is_named_otherwise_does_not(name: str) -> None:
    assert groups_for(settings(f"https://host/{name}", unpack=True)) == ()


def test_a_zstd_file_that_stays_packed_does_not() -> None:
    assert groups_for(settings("https://host/m.tar.zst")) == ()
