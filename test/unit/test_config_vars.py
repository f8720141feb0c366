"""Only the config vars that Slugfit knows are read, and each does what its name says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.settings.config_vars import (
    read_config_vars,
    s3_from,
    secrets_in,
    table_from,
    var_for,
)
from slugfit.settings.failures import Problem
from slugfit.settings.model import S3Credentials, S3Settings

SHA256 = "0123456789abcdef" * 4
AWS = {"AWS_ACCESS_KEY_ID": "aws-id", "AWS_SECRET_ACCESS_KEY": "aws-secret"}
BUCKETEER = {
    "BUCKETEER_AWS_ACCESS_KEY_ID": "bucketeer-id",
    "BUCKETEER_AWS_SECRET_ACCESS_KEY": "bucketeer-secret",
    "BUCKETEER_AWS_REGION": "eu-west-1",
    "BUCKETEER_BUCKET_NAME": "bucketeer-bucket",
}
CLOUDCUBE = {
    "CLOUDCUBE_ACCESS_KEY_ID": "cube-id",
    "CLOUDCUBE_SECRET_ACCESS_KEY": "cube-secret",
    "CLOUDCUBE_URL": "https://cloud-cube.s3.amazonaws.com/abc123",
}


def write(env_dir: Path, config_vars: dict[str, bytes]) -> Path:
    """Write an ENV_DIR as Heroku does."""
    env_dir.mkdir(exist_ok=True)
    for name, value in config_vars.items():
        (env_dir / name).write_bytes(value)
    return env_dir


def test_the_vars_are_read_from_their_files(tmp_path: Path) -> None:
    known = {
        "SLUGFIT_BUDGET_LIMIT": "500MB",
        "SLUGFIT_BUDGET_WARN": "200MB",
        "SLUGFIT_STRIP_LEVEL": "off",
        "SLUGFIT_MODELS": "s3://bucket/key",
        **AWS,
        "AWS_SESSION_TOKEN": "aws-token",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "https://minio.example",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        **BUCKETEER,
        **CLOUDCUBE,
    }
    env_dir = write(tmp_path / "env", {name: value.encode() for name, value in known.items()})
    assert read_config_vars(env_dir) == known


@pytest.mark.parametrize("value", [b"", b" ", b"\n", b" \t\r\n "])
def test_a_blank_config_var_counts_as_unset(tmp_path: Path, value: bytes) -> None:
    assert read_config_vars(write(tmp_path, {"SLUGFIT_BUDGET_LIMIT": value})) == {}


def test_white_space_around_a_value_is_not_part_of_it(tmp_path: Path) -> None:
    env_dir = write(tmp_path, {"SLUGFIT_MODELS": b"\n  s3://b/one\ns3://b/two -> x \n\n"})
    assert table_from(read_config_vars(env_dir)) == {
        "models": [{"source": "s3://b/one"}, {"source": "s3://b/two", "path": "x"}]
    }


def test_vars_of_the_app_are_not_even_opened(tmp_path: Path) -> None:
    # Opening one of these pipes would wait for a writer, for ever.
    for name in ("PATH", "HOME", "BUILD_DIR", "DATABASE_URL", "SLUGFIT", "AWS_PROFILE"):
        os.mkfifo(tmp_path / name)
    assert read_config_vars(tmp_path) == {}


def test_without_an_env_dir_nothing_is_set(tmp_path: Path) -> None:
    assert read_config_vars(tmp_path / "missing") == {}


def test_a_directory_is_no_config_var(tmp_path: Path) -> None:
    (tmp_path / "SLUGFIT_MODELS").mkdir()
    assert read_config_vars(tmp_path) == {}


def test_a_value_that_is_not_utf_8_is_still_a_value(tmp_path: Path) -> None:
    env_dir = write(tmp_path, {"SLUGFIT_STRIP_LEVEL": b"s\xe4fe"})
    assert read_config_vars(env_dir) == {"SLUGFIT_STRIP_LEVEL": "s�fe"}


def test_every_half_of_a_key_is_a_secret_and_nothing_else_is() -> None:
    config_vars = {
        **AWS,
        "AWS_SESSION_TOKEN": "aws-token",
        "AWS_REGION": "eu-central-1",
        **BUCKETEER,
        **CLOUDCUBE,
        "SLUGFIT_MODELS": "s3://bucket/key",
    }
    assert set(secrets_in(config_vars)) == {
        "aws-id",
        "aws-secret",
        "aws-token",
        "bucketeer-id",
        "bucketeer-secret",
        "cube-id",
        "cube-secret",
    }


def test_without_vars_the_table_is_empty() -> None:
    assert table_from({}) == {}


def test_the_vars_fill_the_same_table_as_the_file() -> None:
    config_vars = {
        "SLUGFIT_BUDGET_LIMIT": "500MB",
        "SLUGFIT_BUDGET_WARN": "200MB",
        "SLUGFIT_STRIP_LEVEL": "off",
        "SLUGFIT_MODELS": "s3://bucket/key",
        "AWS_REGION": "eu-central-1",
    }
    assert table_from(config_vars) == {
        "budget": {"limit": "500MB", "warn": "200MB"},
        "strip": {"level": "off"},
        "models": [{"source": "s3://bucket/key"}],
    }


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("s3://b/k", {"source": "s3://b/k"}),
        ("s3://b/k -> m/k", {"source": "s3://b/k", "path": "m/k"}),
        ("s3://b/k->m/k", {"source": "s3://b/k", "path": "m/k"}),
        (
            f"s3://b/k -> m/k sha256={SHA256}",
            {"source": "s3://b/k", "path": "m/k", "sha256": SHA256},
        ),
        (f"s3://b/k -> sha256={SHA256}", {"source": "s3://b/k", "sha256": SHA256}),
        (f"s3://b/k sha256={SHA256}", {"source": "s3://b/k", "sha256": SHA256}),
        ("s3://b/my key -> m/my key", {"source": "s3://b/my key", "path": "m/my key"}),
        ("-> m/k", {"source": "", "path": "m/k"}),
    ],
)
def test_a_line_names_a_source_and_perhaps_its_path_and_checksum(
    line: str, model: dict[str, str]
) -> None:
    assert table_from({"SLUGFIT_MODELS": line}) == {"models": [model]}


def test_each_line_names_a_model_and_blank_lines_name_none() -> None:
    table = table_from({"SLUGFIT_MODELS": "s3://b/one\r\n\n   \n  s3://b/two -> m/two  "})
    assert table == {
        "models": [{"source": "s3://b/one"}, {"source": "s3://b/two", "path": "m/two"}]
    }


WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789/._-+ ", min_size=1).map(str.strip)
NAMES = WORDS.filter(lambda word: bool(word) and "->" not in word and not word.endswith("-"))


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1))
def test_what_the_lines_say_is_what_the_table_holds(models: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{source} -> {path}" for source, path in models)
    assert table_from({"SLUGFIT_MODELS": text}) == {
        "models": [{"source": source, "path": path} for source, path in models]
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("budget", "limit"), "config var SLUGFIT_BUDGET_LIMIT"),
        (("budget", "warn"), "config var SLUGFIT_BUDGET_WARN"),
        (("strip", "level"), "config var SLUGFIT_STRIP_LEVEL"),
        (("models", 0), "config var SLUGFIT_MODELS, line 1"),
        (("models", 2, "path"), "config var SLUGFIT_MODELS, line 3"),
    ],
)
def test_a_key_leads_back_to_the_var_that_set_it(path: tuple[str | int, ...], name: str) -> None:
    assert var_for(path, {"SLUGFIT_MODELS": "s3://b/1\ns3://b/2\ns3://b/3"}) == name


def test_without_vars_there_is_no_key_and_no_endpoint() -> None:
    assert s3_from({}) == (S3Settings((), None, None), [])


def test_the_standard_vars_make_a_key_for_any_bucket() -> None:
    config_vars = {**AWS, "AWS_SESSION_TOKEN": "aws-token", "AWS_REGION": "eu-central-1"}
    key = S3Credentials("aws-id", "aws-secret", "aws-token", "eu-central-1", None)
    assert s3_from(config_vars) == (S3Settings((key,), "eu-central-1", None), [])


def test_bucketeers_vars_make_a_key_for_its_bucket() -> None:
    key = S3Credentials("bucketeer-id", "bucketeer-secret", None, "eu-west-1", "bucketeer-bucket")
    assert s3_from(BUCKETEER) == (S3Settings((key,), None, None), [])


def test_cloudcubes_vars_make_a_key_for_the_bucket_in_its_url() -> None:
    key = S3Credentials("cube-id", "cube-secret", None, None, "cloud-cube")
    assert s3_from(CLOUDCUBE) == (S3Settings((key,), None, None), [])


@pytest.mark.parametrize(
    ("bucket", "key_id"),
    [
        ("bucketeer-bucket", "bucketeer-id"),
        ("cloud-cube", "cube-id"),
        ("any-other", "aws-id"),
    ],
)
def test_an_add_ons_bucket_is_read_with_the_add_ons_key_and_others_with_the_general_one(
    bucket: str, key_id: str
) -> None:
    settings, problems = s3_from({**AWS, **BUCKETEER, **CLOUDCUBE})
    key = settings.credentials_for(bucket)
    assert key is not None
    assert (key.access_key_id, problems) == (key_id, [])


def test_an_add_ons_key_is_for_no_other_bucket() -> None:
    settings, _ = s3_from(BUCKETEER)
    assert settings.credentials_for("any-other") is None


def test_a_session_token_belongs_to_the_standard_key_alone() -> None:
    settings, _ = s3_from({**BUCKETEER, "AWS_SESSION_TOKEN": "aws-token"})
    assert [key.session_token for key in settings.credentials] == [None]


@pytest.mark.parametrize(
    ("config_vars", "region"),
    [
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region_comes_from_the_first_var_that_names_one(
    config_vars: dict[str, str], region: str
) -> None:
    assert s3_from(config_vars) == (S3Settings((), region, None), [])


@pytest.mark.parametrize(
    ("config_vars", "endpoint"),
    [
        ({"AWS_ENDPOINT_URL": "https://all.example"}, "https://all.example"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        (
            {
                "AWS_ENDPOINT_URL": "https://all.example",
                "AWS_ENDPOINT_URL_S3": "https://s3.example",
            },
            "https://s3.example",
        ),
    ],
)
def test_the_endpoint_of_s3_goes_before_the_one_of_all_services(
    config_vars: dict[str, str], endpoint: str
) -> None:
    assert s3_from(config_vars) == (S3Settings((), None, endpoint), [])


@pytest.mark.parametrize("prefix", ["AWS_", "BUCKETEER_AWS_", "CLOUDCUBE_"])
@pytest.mark.parametrize(
    ("set_half", "missing_half"),
    [("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"), ("SECRET_ACCESS_KEY", "ACCESS_KEY_ID")],
)
def test_half_a_key_is_a_problem_with_the_other_half(
    prefix: str, set_half: str, missing_half: str
) -> None:
    settings, problems = s3_from({prefix + set_half: "value"})
    assert settings.credentials == ()
    assert problems == [
        Problem(
            f"config var {prefix}{missing_half}", "nothing: it is not set", "both halves of the key"
        )
    ]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize(
    "value", ["minio.example:9000", "ftp://minio.example", "https://", "https:minio", "https://[x"]
)
def test_an_endpoint_that_is_no_web_address_is_a_problem(name: str, value: str) -> None:
    _, problems = s3_from({name: value})
    assert problems == [Problem(f"config var {name}", f'"{value}"', "a URL: https://host[:port]")]


def test_a_malformed_url_of_an_add_on_stops_nothing_that_does_not_need_it() -> None:
    settings, _ = s3_from({**AWS, "CLOUDCUBE_URL": "https://[x"})
    assert [key.access_key_id for key in settings.credentials] == ["aws-id"]


def test_the_settings_show_no_secret_when_they_are_printed() -> None:
    settings, _ = s3_from({**AWS, "AWS_SESSION_TOKEN": "aws-token", **BUCKETEER, **CLOUDCUBE})
    shown = repr(settings) + str(settings)
    assert "bucketeer-bucket" in shown
    for secret in ("aws-id", "aws-secret", "aws-token", "bucketeer-secret", "cube-secret"):
        assert secret not in shown
