"""A command line becomes the settings of one model, or all that is wrong with it at once."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from collections.abc import Mapping

import pytest

from slugfit.commands.fetch import add_arguments
from slugfit.settings.arguments import outside_a_build, settings_from
from slugfit.settings.failures import SettingsInvalid
from slugfit.settings.model import Settings
from slugfit.stores.s3 import S3, S3Credentials
from support.build_log import error_text
from support.sources import model_from

ONE = "1" * 64
ALLOWED = (
    "s3://bucket/key, gs://bucket/object, az://account/container/blob,\n"
    "           hf://org/name@revision/path, https://host/path; a directory ends with /"
)


def settings_of(*arguments: str, environ: Mapping[str, str] | None = None) -> Settings:
    parser = ArgumentParser()
    add_arguments(parser)
    return settings_from(parser.parse_args(arguments), environ or {})


def problems(*arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """The part of the message that names them."""
    with pytest.raises(SettingsInvalid) as caught:
        settings_of(*arguments, environ=environ)
    return error_text(caught.value).split("\n\n")[1]


def test_a_source_and_a_destination_are_enough() -> None:
    (model,) = settings_of("s3://bucket/m.bin", "out/m.bin").models
    assert model == model_from("s3://bucket/m.bin", "out/m.bin")


def test_every_option_has_its_setting() -> None:
    line = "s3://bucket/dir/ out --sha256 {} --include a --include b/* --exclude c --requester-pays"
    (model,) = settings_of(*line.format(ONE).split()).models
    assert model == model_from(
        "s3://bucket/dir/",
        "out",
        ONE,
        include=("a", "b/*"),
        exclude=("c",),
        requester_pays=True,
    )


def test_an_archive_may_be_unpacked() -> None:
    (model,) = settings_of("https://host/m.tgz", "out", "--unpack").models
    assert model.unpack


def test_a_checksum_in_capitals_is_the_same() -> None:
    (model,) = settings_of("s3://b-b/m", "m", "--sha256", "A" * 64).models
    assert model.sha256 == "a" * 64


@pytest.mark.parametrize("sha256", ["", "1" * 63, "g" * 64, f"{ONE} "])
def test_a_checksum_that_is_none_is_not_understood(
    sha256: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_of("s3://bucket/m", "m", "--sha256", sha256)
    assert caught.value.code == 2
    assert "--sha256: not 64 hexadecimal digits, as sha256sum prints them" in (
        capsys.readouterr().err
    )


def test_the_header_is_read_from_the_variable_and_is_a_secret() -> None:
    settings = settings_of(
        *("https://host/m", "m", "--authorization", "KEY"), environ={"KEY": "Bearer 5ecre7"}
    )
    assert settings.models[0].authorization == "Bearer 5ecre7"
    assert {"Bearer 5ecre7", "5ecre7"} <= set(settings.secrets)


@pytest.mark.parametrize("source", ["models/m.bin", "ftp://host/m", "s3://", "https://", "", "m:n"])
def test_what_is_no_url_of_a_store_is_refused(source: str) -> None:
    assert problems(source, "m") == f'SOURCE\n  found:   "{source}"\n  allowed: {ALLOWED}'


@pytest.mark.parametrize(
    ("line", "option", "allowed"),
    [
        ("s3://b-b/m m --include a", "--include, --exclude", "with a directory: a source that"),
        ("s3://b-b/m m --exclude a", "--include, --exclude", "with a directory: a source that"),
        ("s3://b-b/m/ m --unpack", "--unpack", "with a single archive"),
        ("gs://b-b/m m --requester-pays", "--requester-pays", "with s3://"),
        ("s3://b-b/m m --authorization KEY", "--authorization", "with https://"),
        ("http://host/m m --authorization KEY", "--authorization", "with https://"),
    ],
)
def test_an_option_that_means_nothing_is_refused(line: str, option: str, allowed: str) -> None:
    found = problems(*line.split(), environ={"KEY": "Bearer 5ecre7"})
    assert found.startswith(
        f"{option}\n  found:   an option that does not apply to this source\n  allowed: {allowed}"
    )


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        *("gs://b-b/m", "m", "--include", "a", "--requester-pays", "--authorization", "KEY"),
        environ={"AWS_ENDPOINT_URL_S3": "nowhere"},
    )
    assert [line for line in found.splitlines() if not line.startswith(" ")] == [
        "--include, --exclude",
        "--requester-pays",
        "--authorization",
        "--authorization",
        "config var AWS_ENDPOINT_URL_S3",
    ]
    assert "config var KEY, which is not set" in found


# --- outside a build ------------------------------------------------------------------------


def test_nothing_ends_a_fetch_outside_a_build() -> None:
    assert settings_of("s3://bucket/m", "m").fetch.deadline == math.inf


def test_without_a_key_boto3_may_look_for_one() -> None:
    assert settings_of("s3://bucket/m", "m").stores[S3].ambient


def test_a_key_in_the_environment_is_the_one_that_is_used() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "5ecre7"}
    settings = settings_of("s3://bucket/m", "m", environ=environ)
    assert settings.stores[S3].credentials == (S3Credentials("AKIA", "5ecre7"),)
    assert not settings.stores[S3].ambient
    assert {"AKIA", "5ecre7"} <= set(settings.secrets)


def test_the_rest_of_the_settings_stays() -> None:
    settings = Settings(models=(model_from("s3://bucket/m", "m"),), origin="slugfit.toml")
    assert outside_a_build(settings).models == settings.models
    assert outside_a_build(settings).origin == "slugfit.toml"
