"""Only the config vars that Slugfit knows are read, and each does what its name says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.errors import Problem
from slugfit.base.output import Redactor
from slugfit.settings.config_vars import (
    config_vars_from,
    read_config_vars,
    reader,
    secrets_of,
    table_from,
    unknown_vars,
    var_for,
)
from slugfit.stores.registry import secrets_in

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
        "SLUGFIT_STRIP_BYTECODE": "boot",
        "SLUGFIT_STRIP_SMOKE": "python -m check",
        "SLUGFIT_MODELS": "s3://bucket/key",
        **AWS,
        "AWS_SESSION_TOKEN": "aws-token",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "https://minio.example",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        **BUCKETEER,
        **CLOUDCUBE,
        "SLUGFIT_FETCH_DEADLINE": "10m",
        "SLUGFIT_CACHE_LIMIT": "2GB",
        "SLUGFIT_S3_ADDRESSING_STYLE": "path",
        "HF_TOKEN": "hf-token",
        "HF_ENDPOINT": "https://hub.example",
        "GOOGLE_CREDENTIALS": "{}",
        "STORAGE_EMULATOR_HOST": "localhost:4443",
        "AZURE_STORAGE_KEY": "azure-key",
        "AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=abc",
        "AZURE_STORAGE_SERVICE_ENDPOINT": "https://account.blob.example",
    }
    env_dir = write(tmp_path / "env", {name: value.encode() for name, value in known.items()})
    assert read_config_vars(env_dir) == known
    assert config_vars_from({**known, "SLUGFIT_PYTHON": "python3", "PATH": "/bin"}) == known


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


def test_a_variable_that_is_not_utf_8_is_still_a_variable() -> None:
    assert config_vars_from({"HF_TOKEN": " s\udce4fe\n"}) == {"HF_TOKEN": "s\ufffdfe"}


def test_any_other_var_is_read_by_its_name_alone(tmp_path: Path) -> None:
    read = reader(write(tmp_path, {"MODEL_TOKEN": b"Bearer abc\n"}))
    os.mkfifo(tmp_path / "PIPE")
    assert [read(name) for name in ("MODEL_TOKEN", "OTHER", "PIPE")] == ["Bearer abc\n", None, None]


def test_a_var_of_ours_that_nobody_knows_is_a_problem_with_the_one_that_was_meant() -> None:
    [problem] = unknown_vars({"SLUGFIT_CACHE_LIMITS": "", "SLUGFIT_CACHE_LIMIT": "1GB"})
    assert problem == Problem(
        "config var SLUGFIT_CACHE_LIMITS",
        "a config var that Slugfit does not know",
        "SLUGFIT_BUDGET_LIMIT, SLUGFIT_BUDGET_WARN, SLUGFIT_STRIP_LEVEL, SLUGFIT_STRIP_BYTECODE, "
        "SLUGFIT_STRIP_SMOKE, SLUGFIT_FETCH_DEADLINE, SLUGFIT_CACHE_LIMIT, SLUGFIT_MODELS, "
        "SLUGFIT_S3_ADDRESSING_STYLE",
        "Perhaps you meant SLUGFIT_CACHE_LIMIT?",
    )


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


def test_the_tokens_of_the_other_stores_are_secrets() -> None:
    config_vars = {"HF_TOKEN": "hf-token", "AZURE_STORAGE_KEY": "azure-key", "HF_ENDPOINT": "x"}
    assert secrets_in(config_vars) == ["azure-key", "hf-token"]


@pytest.mark.parametrize("mark", ["", "?"])
def test_the_signature_in_a_sas_token_is_a_secret_in_both_spellings(mark: str) -> None:
    token = "sv=2025-01-05&se=2027-01-01&sig=ab%2Bcd%3D"
    secrets = secrets_in({"AZURE_STORAGE_SAS_TOKEN": mark + token})
    assert {token, "ab%2Bcd%3D", "ab+cd="} <= set(secrets)


PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\nAgEA==\n"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("cut", [0, 3])
def test_no_line_of_a_service_accounts_key_is_shown_even_if_its_json_is_damaged(
    indent: int | None, cut: int
) -> None:
    account = json.dumps({"private_key": PRIVATE_KEY, "client_email": "me@x"}, indent=indent)
    account = account[: len(account) - cut]
    redact = Redactor(secrets_in({"GOOGLE_CREDENTIALS": account}))
    for shown in (account, PRIVATE_KEY, repr(PRIVATE_KEY), *PRIVATE_KEY.splitlines()):
        assert "MIIEvQ" not in redact(shown)
        assert "9w0BAQ" not in redact(shown)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "[" * 100_000, '{"private_key": {"a": 1}}'])
def test_no_text_in_the_place_of_a_service_account_is_an_accident(text: str) -> None:
    assert text in secrets_in({"GOOGLE_CREDENTIALS": text})


def test_a_key_whose_json_escapes_more_than_line_ends_is_redacted_as_it_is_used() -> None:
    account = '{"private_key": "MIIEvQIBADANBgkqhkiGabcd\\u003d\\n"}'
    redact = Redactor(secrets_in({"GOOGLE_CREDENTIALS": account}))
    assert redact("MIIEvQIBADANBgkqhkiGabcd=") == "[redacted]"


def test_of_a_header_the_token_is_a_secret_and_the_scheme_is_none() -> None:
    assert secrets_of("Bearer abc def") == ["Bearer abc def", "abc", "def"]
    assert secrets_of("abc") == ["abc"]


def test_without_vars_the_table_is_empty() -> None:
    assert table_from({}) == {}


def test_the_vars_fill_the_same_table_as_the_file() -> None:
    config_vars = {
        "SLUGFIT_BUDGET_LIMIT": "500MB",
        "SLUGFIT_BUDGET_WARN": "200MB",
        "SLUGFIT_STRIP_LEVEL": "off",
        "SLUGFIT_MODELS": "s3://bucket/key",
        "SLUGFIT_FETCH_DEADLINE": "10m",
        "SLUGFIT_CACHE_LIMIT": "2GB",
        "SLUGFIT_S3_ADDRESSING_STYLE": "path",
        "AWS_REGION": "eu-central-1",
    }
    assert table_from(config_vars) == {
        "budget": {"limit": "500MB", "warn": "200MB"},
        "fetch": {"deadline": "10m", "cache_limit": "2GB"},
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
        (("fetch", "deadline"), "config var SLUGFIT_FETCH_DEADLINE"),
        (("fetch", "cache_limit"), "config var SLUGFIT_CACHE_LIMIT"),
        (("models", 0), "config var SLUGFIT_MODELS, line 1"),
        (("models", 2, "path"), "config var SLUGFIT_MODELS, line 3"),
    ],
)
def test_a_key_leads_back_to_the_var_that_set_it(path: tuple[str | int, ...], name: str) -> None:
    assert var_for(path, {"SLUGFIT_MODELS": "s3://b/1\ns3://b/2\ns3://b/3"}) == name
