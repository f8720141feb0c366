"""Files and config vars become one Settings, or an error that names every problem at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.errors import Problem
from slugfit.base.files import is_path_below
from slugfit.settings.failures import ConfiguredTwice, MalformedToml, SettingsInvalid
from slugfit.settings.load import load
from slugfit.settings.model import (
    BudgetSettings,
    CheckSettings,
    ConvertSettings,
    FetchSettings,
    Settings,
    StripSettings,
    default_path,
)
from slugfit.stores.gcs import GCS, GcsSettings
from slugfit.stores.hub import HUB, HubSettings
from slugfit.stores.s3 import S3, S3Credentials, S3Settings
from slugfit.stores.store import StoreSettings
from support.build_log import error_text
from support.sources import located, model_from

SHA256 = "0123456789abcdef" * 4
TIME = 'a time with its unit, such as "90s", "20m" or "1h"'
SIZE = 'a size with its unit, such as "300MB" or "1GB"'
SOURCE = (
    '"s3://bucket/key", "gs://bucket/object", "az://account/container/blob",\n'
    '           "hf://org/name@revision/path", "https://host/path",\n'
    "           or a path inside the app"
)
ESCAPES = '\n           (in names, "#", "?" and "%" are written "%23", "%3F" and "%25")'
IN_S3 = '"s3://bucket/key", "s3://bucket/key?versionId=ID" or "s3://bucket/directory/"' + ESCAPES
IN_GCS = (
    '"gs://bucket/object", "gs://bucket/object?generation=1" or "gs://bucket/directory/"' + ESCAPES
)
IN_AZURE = '"az://account/container/blob" or "az://account/container/directory/"' + ESCAPES
IN_HUB = (
    '"hf://org/name@revision/path" or "hf://org/name@revision/directory/"\n'
    '           (in revisions, "/" is written "%2F")'
)
IN_WEB = '"https://host/path" (no user name or password in it)'
PATH = 'a path inside the app, without a leading "/" and without ".."'
COMMAND = 'a command in one line, such as "python -m myapp.selfcheck"'
GLOB = 'a glob relative to site-packages, such as "numpy/**/tests"'
HEADER_HINT = "It looks like the header itself: set that as a config var, and name the var here."
MODEL_KEYS = (
    "allow_code, allow_pickle, authorization, check, convert, exclude, include, path, "
    "requester_pays, "
    "sha256, source, unpack"
)
DIGEST = "64 hexadecimal digits, as sha256sum prints them"

MakeApp = Callable[..., Path]


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """Write an app's configuration files."""

    def make(own: str | None = None, project: str | None = None) -> Path:
        for name, text in (("slugfit.toml", own), ("pyproject.toml", project)):
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return make


def problems_of(
    app: Path, config_vars: dict[str, str] | None = None, named: dict[str, str] | None = None
) -> list[Problem]:
    """What is wrong with the app's configuration."""
    with pytest.raises(SettingsInvalid) as caught:
        load(app, config_vars or {}, (named or {}).get)
    return list(caught.value.problems)


def test_without_a_file_everything_has_its_default(make_app: MakeApp) -> None:
    assert load(make_app(), {}) == Settings(
        origin=None,
        budget=BudgetSettings(limit=1_000_000_000, warn=300_000_000),
        strip=StripSettings(level="safe", keep=(), remove=()),
        models=(),
        fetch=FetchSettings(deadline=1200.0, cache_limit=None),
        stores=StoreSettings().having(S3, S3Settings((), None, None)),
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[budget]\n[strip]\n", "models = []\n"])
def test_an_empty_file_changes_nothing_but_the_origin(make_app: MakeApp, text: str) -> None:
    assert load(make_app(text), {}) == Settings(origin="slugfit.toml")


def test_the_file_sets_everything(make_app: MakeApp) -> None:
    text = f"""
[budget]
limit = "500MB"
warn = "200 MiB"

[strip]
level = "off"
keep = ["numpy/**/tests", "scipy"]
remove = ["torch/include"]

[[models]]
source = "s3://my-bucket/models/digits.tflite"
path = "data/digits.tflite"
sha256 = "{SHA256.upper()}"

[[models]]
source = "https://host.example/a/vocab%20file.txt?download=1"

[[models]]
source = "weights/own.bin"

[[models]]
source = "hf://org/name@v1.0/"
include = ["*.json", "onnx/*"]
exclude = ["onnx/model_fp16.onnx"]

[[models]]
source = "s3://paid-bucket/bundle.tar.gz"
unpack = true
requester_pays = true

[fetch]
deadline = "90s"
cache_limit = "2GB"
"""
    assert load(make_app(text), {}) == Settings(
        origin="slugfit.toml",
        budget=BudgetSettings(limit=500_000_000, warn=209_715_200),
        strip=StripSettings("off", ("numpy/**/tests", "scipy"), ("torch/include",)),
        models=(
            model_from("s3://my-bucket/models/digits.tflite", "data/digits.tflite", SHA256),
            model_from(
                "https://host.example/a/vocab%20file.txt?download=1", "models/vocab file.txt"
            ),
            model_from("weights/own.bin", "models/own.bin"),
            model_from(
                "hf://org/name@v1.0/",
                "models/name",
                include=("*.json", "onnx/*"),
                exclude=("onnx/model_fp16.onnx",),
            ),
            model_from(
                "s3://paid-bucket/bundle.tar.gz",
                "models/bundle",
                unpack=True,
                requester_pays=True,
            ),
        ),
        fetch=FetchSettings(deadline=90.0, cache_limit=2_000_000_000),
    )


def test_pyproject_toml_can_hold_the_same_table(make_app: MakeApp) -> None:
    project = '[project]\nname = "app"\n[tool.ruff]\n[tool.slugfit.budget]\nlimit = "400MB"\n'
    settings = load(make_app(project=project), {})
    assert settings.origin == "pyproject.toml"
    assert settings.budget == BudgetSettings(limit=400_000_000, warn=300_000_000)


@pytest.mark.parametrize("project", ["", "[project]\n", "[tool]\n", "[tool.ruff]\n", "tool = 1\n"])
def test_a_pyproject_toml_without_our_table_configures_nothing(
    make_app: MakeApp, project: str
) -> None:
    assert load(make_app(project=project), {}) == Settings(origin=None)
    assert load(make_app("", project), {}) == Settings(origin="slugfit.toml")


def test_a_byte_order_mark_is_no_part_of_the_file(make_app: MakeApp) -> None:
    app = make_app('\ufeff[strip]\nlevel = "off"\n')
    assert load(app, {}).strip.level == "off"


def test_config_vars_go_over_the_file_key_by_key(make_app: MakeApp) -> None:
    text = '[budget]\nlimit = "500MB"\nwarn = "200MB"\n[strip]\nlevel = "safe"\nkeep = ["a"]\n'
    settings = load(make_app(text), {"SLUGFIT_BUDGET_WARN": "1MB", "SLUGFIT_STRIP_LEVEL": "off"})
    assert settings.budget == BudgetSettings(limit=500_000_000, warn=1_000_000)
    assert settings.strip == StripSettings("off", ("a",), ())


def test_models_of_the_config_var_replace_those_of_the_file(make_app: MakeApp) -> None:
    app = make_app('[[models]]\nsource = "s3://b/one"\n[[models]]\nsource = "s3://b/two"\n')
    settings = load(app, {"SLUGFIT_MODELS": f"s3://b/three -> m/3 sha256={SHA256}\ns3://b/four"})
    assert settings.models == (
        model_from("s3://b/three", "m/3", SHA256),
        model_from("s3://b/four", "models/four"),
    )


def test_config_vars_alone_can_drive_a_build(make_app: MakeApp) -> None:
    config_vars = {
        "SLUGFIT_BUDGET_LIMIT": "500MB",
        "SLUGFIT_MODELS": "s3://b/k",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://minio.example",
        "SLUGFIT_FETCH_DEADLINE": "5m",
        "SLUGFIT_CACHE_LIMIT": "1GB",
        "SLUGFIT_S3_ADDRESSING_STYLE": "path",
        "HF_TOKEN": "hf-token",
        "STORAGE_EMULATOR_HOST": "localhost:4443",
    }
    assert load(make_app(), config_vars) == Settings(
        origin=None,
        budget=BudgetSettings(limit=500_000_000, warn=300_000_000),
        models=(model_from("s3://b/k", "models/k"),),
        fetch=FetchSettings(300.0, 1_000_000_000),
        stores=StoreSettings()
        .having(
            S3,
            S3Settings(
                (S3Credentials("id", "secret", None, "eu-west-1"),),
                "eu-west-1",
                "https://minio.example",
                "path",
            ),
        )
        .having(HUB, HubSettings(token="hf-token"))
        .having(GCS, GcsSettings("http://localhost:4443")),
    )


def test_a_limit_below_the_default_warning_level_takes_that_along(make_app: MakeApp) -> None:
    settings = load(make_app('[budget]\nlimit = "100MB"\n'), {})
    assert settings.budget == BudgetSettings(limit=100_000_000, warn=100_000_000)


def test_all_problems_are_told_at_once_with_what_was_found_and_what_is_allowed(
    make_app: MakeApp,
) -> None:
    text = """
colour = "red"

[budget]
limit = "lots"
warn = 300
limmit = "1GB"

[strip]
level = "saef"
keep = "numpy"
remove = ["/etc", 3, "ok/**"]

[[models]]
path = "../outside"
sha256 = "abc"
checksum = "abc"

[[models]]
source = "ftp://host/file"
path = "/etc/passwd"

[[model]]
source = "s3://b/k"
"""
    config_vars = {
        "SLUGFIT_BUDGET_WARN": "0MB",
        "SLUGFIT_MODELS": "s3://bucket\ns3://b/k -> a/../b sha256=12",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
        "AWS_ENDPOINT_URL": "minio:9000",
    }
    with pytest.raises(SettingsInvalid) as caught:
        load(make_app(text), config_vars)
    assert (
        error_text(caught.value)
        == f"""\
Error: The configuration has 21 problems.

slugfit.toml: budget.limit
  found:   "lots"
  allowed: {SIZE}
slugfit.toml: budget.warn
  found:   300
  allowed: {SIZE}
slugfit.toml: budget.limmit
  found:   a key that Slugfit does not know
  allowed: limit, warn
  Perhaps you meant "limit"?
slugfit.toml: strip.level
  found:   "saef"
  allowed: "off", "safe" or "max"
slugfit.toml: strip.keep
  found:   "numpy"
  allowed: a list of globs
slugfit.toml: strip.remove[0]
  found:   "/etc"
  allowed: {GLOB}
slugfit.toml: strip.remove[1]
  found:   3
  allowed: {GLOB}
slugfit.toml: models[0].source
  found:   nothing: the key is missing
  allowed: {SOURCE}
slugfit.toml: models[0].path
  found:   "../outside"
  allowed: {PATH}
slugfit.toml: models[0].sha256
  found:   "abc"
  allowed: {DIGEST}
slugfit.toml: models[0].checksum
  found:   a key that Slugfit does not know
  allowed: {MODEL_KEYS}
  Perhaps you meant "check"?
slugfit.toml: models[1].source
  found:   "ftp://host/file"
  allowed: {SOURCE}
slugfit.toml: models[1].path
  found:   "/etc/passwd"
  allowed: {PATH}
slugfit.toml: colour
  found:   a key that Slugfit does not know
  allowed: budget, fetch, models, strip
slugfit.toml: model
  found:   a key that Slugfit does not know
  allowed: budget, fetch, models, strip
  Perhaps you meant "models"?
config var SLUGFIT_BUDGET_WARN
  found:   "0MB"
  allowed: {SIZE}
config var SLUGFIT_MODELS, line 1
  found:   "s3://bucket"
  allowed: {IN_S3}
config var SLUGFIT_MODELS, line 2
  found:   "a/../b"
  allowed: {PATH}
config var SLUGFIT_MODELS, line 2
  found:   "12"
  allowed: {DIGEST}
config var AWS_ACCESS_KEY_ID
  found:   nothing: it is not set
  allowed: both halves of the key
config var AWS_ENDPOINT_URL
  found:   "minio:9000"
  allowed: a URL: https://host[:port]

Nothing was fetched, removed or changed.

To fix this:
1. Correct each value named above. A config var is changed with:
   heroku config:set NAME=value

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#settingsinvalid
"""
    )
    assert str(caught.value).startswith(
        "Invalid configuration: slugfit.toml: budget.limit, slugfit.toml: budget.warn, "
    )
    assert str(caught.value).endswith(", config var AWS_ENDPOINT_URL")
    assert "wJalrXUtnFEMI" not in error_text(caught.value)


def test_one_problem_is_told_as_one(make_app: MakeApp) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(make_app(project='[tool.slugfit.strip]\nleevel = "off"\n'), {})
    assert (
        error_text(caught.value)
        == """\
Error: The configuration has a problem.

pyproject.toml: tool.slugfit.strip.leevel
  found:   a key that Slugfit does not know
  allowed: bytecode, keep, level, remove, smoke
  Perhaps you meant "level"?

Nothing was fetched, removed or changed.

To fix this:
1. Correct each value named above. A config var is changed with:
   heroku config:set NAME=value

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#settingsinvalid
"""
    )
    assert str(caught.value) == "Invalid configuration: pyproject.toml: tool.slugfit.strip.leevel"


@pytest.mark.parametrize(
    ("text", "where", "found", "allowed"),
    [
        ("budget = 1", "budget", "1", "a table"),
        ("budget = []", "budget", "[]", "a table"),
        ("strip = true", "strip", "true", "a table"),
        ("models = 'a'", "models", '"a"', "tables that begin with [[models]]"),
        ("[models]", "models", "a table", "tables that begin with [[models]]"),
        ("models = [1]", "models[0]", "1", "a table"),
        ("[budget]\nlimit = 1.5", "budget.limit", "1.5", SIZE),
        ("[budget]\nlimit = {}", "budget.limit", "a table", SIZE),
        ("[budget]\nlimit = 2026-08-01", "budget.limit", "2026-08-01", SIZE),
        ("[fetch]\ndeadline = '20'", "fetch.deadline", '"20"', TIME),
        ("[fetch]\ndeadline = '0s'", "fetch.deadline", '"0s"', TIME),
        ("[fetch]\ndeadline = 1200", "fetch.deadline", "1200", TIME),
        ("[fetch]\ncache_limit = 2", "fetch.cache_limit", "2", SIZE),
        ("[strip]\nlevel = 'Safe'", "strip.level", '"Safe"', '"off", "safe" or "max"'),
        ("[strip]\nbytecode = 'none'", "strip.bytecode", '"none"', '"keep", "boot" or "drop"'),
        ("[strip]\nsmoke = ' '", "strip.smoke", '" "', COMMAND),
        ("[strip]\nsmoke = 'a\tb'", "strip.smoke", '"a\tb"', COMMAND),
        ("[strip]\nkeep = ['']", "strip.keep[0]", '""', GLOB),
        ("[strip]\nkeep = ['../x']", "strip.keep[0]", '"../x"', GLOB),
        ("[[models]]\nsource = ''", "models[0].source", '""', SOURCE),
        ("[[models]]\nsource = 3", "models[0].source", "3", SOURCE),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_problem(
    make_app: MakeApp, text: str, where: str, found: str, allowed: str
) -> None:
    assert problems_of(make_app(text)) == [Problem(f"slugfit.toml: {where}", found, allowed)]


def test_our_table_in_pyproject_toml_must_be_one(make_app: MakeApp) -> None:
    app = make_app(project='[tool]\nslugfit = "on"\n')
    assert problems_of(app) == [Problem("pyproject.toml: tool.slugfit", '"on"', "a table")]


@pytest.mark.parametrize("key", ["_schema", "models.0", "", "limit\\nwarn", "ключ"])
def test_no_unknown_key_is_too_strange_to_be_named(make_app: MakeApp, key: str) -> None:
    [problem] = problems_of(make_app(f'"{key}" = 1\n'))
    assert problem.found == "a key that Slugfit does not know"
    assert problem.allowed == "budget, fetch, models, strip"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("buget", "budget"),
        ("Budget", "budget"),
        ("model", "models"),
        ("stripe", "strip"),
    ],
)
def test_an_unknown_key_comes_with_the_one_that_was_meant(
    make_app: MakeApp, key: str, meant: str
) -> None:
    [problem] = problems_of(make_app(f"[{key}]\n"))
    assert problem.hint == f'Perhaps you meant "{meant}"?'


def test_unknown_keys_are_told_in_the_same_order_every_time(make_app: MakeApp) -> None:
    keys = ["alpha", "beta", "delta", "epsilon", "gamma", "kappa", "lambda", "omega"]
    app = make_app("".join(f"{key} = 1\n" for key in keys))
    assert [problem.where for problem in problems_of(app)] == [
        f"slugfit.toml: {key}" for key in keys
    ]


@pytest.mark.parametrize(
    "source",
    [
        "s3://bucket/key",
        "s3://bucket/a/b c/k.bin",
        "s3://bucket/key?versionId=3sL4kq",
        "s3://bucket/directory/",
        "s3://bucket/",
        "gs://bucket/object?generation=17",
        "gs://bucket/directory/",
        "az://account/container/blob",
        "az://account/container/directory/",
        "hf://org/name@v1.0/model.onnx",
        "hf://org/name@v1.0/",
        "hf://org/name/model.onnx",
        "https://host.example/latest/",
        "https://host.example/model.bin",
        "https://host.example:8443/model.bin?versionId=1#part",
        "http://127.0.0.1:9000/model.bin",
        "weights/model.bin",
        "./weights/model.bin",
        "model.bin",
    ],
)
def test_a_model_comes_from_a_store_a_web_server_or_the_app(make_app: MakeApp, source: str) -> None:
    app = make_app(f'[[models]]\nsource = "{source}"\npath = "m"\n')
    assert load(app, {}).models == (model_from(source, "m"),)


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("s3://", IN_S3),
        ("s3://bucket", IN_S3),
        ("s3:///key", IN_S3),
        ("s3:/bucket/key", IN_S3),
        ("s3://bucket/key#part", IN_S3),
        ("s3://bucket/what?.bin", IN_S3),
        ("gs://bucket/object#17", IN_GCS),
        ("az://account/container", IN_AZURE),
        ("hf://gpt2@main/model.bin", IN_HUB),
        ("hf://org/name", IN_HUB),
        ("https://host.example", IN_WEB),
        ("https://host.example/", IN_WEB),
        ("https:///model.bin", IN_WEB),
        ("https://user:pass@host.example/model.bin", IN_WEB),
        ("https://user@host.example/model.bin", IN_WEB),
        ("https://[host/model.bin", IN_WEB),
        ("ftp://host.example/model.bin", SOURCE),
        ("S3://bucket/key", SOURCE),
        ("file:///etc/passwd", SOURCE),
        ("data:text", SOURCE),
        ("/etc/passwd", SOURCE),
        ("../model.bin", SOURCE),
        ("weights/../../model.bin", SOURCE),
        ("://model.bin", SOURCE),
    ],
)
def test_a_model_comes_from_nowhere_else(make_app: MakeApp, source: str, allowed: str) -> None:
    app = make_app(f'[[models]]\nsource = "{source}"\npath = "m"\n')
    assert problems_of(app) == [Problem("slugfit.toml: models[0].source", f'"{source}"', allowed)]


@pytest.mark.parametrize("port", ["abc", "99999", "-1"])
def test_a_url_with_an_impossible_port_is_a_problem(make_app: MakeApp, port: str) -> None:
    app = make_app(f'[[models]]\nsource = "https://host.example:{port}/m.bin"\n')
    assert [problem.where for problem in problems_of(app)] == ["slugfit.toml: models[0].source"]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("https://host.example/a/%2e%2e", id="parent directory"),
        pytest.param("https://host.example/a/..", id="bare parent directory"),
        pytest.param("s3://bucket/a/%2E%2E", id="parent directory in a bucket"),
        pytest.param("https://host.example/a/%00", id="NUL"),
        pytest.param("s3://bucket/a\\u0000b", id="raw NUL"),
        pytest.param("https://host.example/latest/", id="none"),
    ],
)
def test_a_source_whose_last_part_is_no_file_name_needs_another(
    make_app: MakeApp, source: str
) -> None:
    app = make_app(f'[[models]]\nsource = "{source}"\n')
    [problem] = problems_of(app)
    assert problem.where in ("slugfit.toml: models[0].source", "slugfit.toml: models[0].path")


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("s3://bucket/a/b/key.bin", "models/key.bin"),
        ("https://host.example/a/key.bin?download=1&sig=x#y", "models/key.bin"),
        ("https://host.example/a/my%20key.bin", "models/my key.bin"),
        ("weights/key.bin", "models/key.bin"),
        ("weights/a%20b#c.bin", "models/a%20b#c.bin"),
        ("key.bin", "models/key.bin"),
        ("s3://bucket/a/directory/", "models/directory"),
        ("s3://bucket/", "models/bucket"),
        ("hf://org/name@refs%2Fpr%2F1/", "models/name"),
        ("https://host.example/latest/", ""),
    ],
)
def test_a_model_goes_by_default_into_models_under_its_own_name(source: str, path: str) -> None:
    assert default_path({"source": located(source)}) == path


@pytest.mark.parametrize(
    ("name", "unpacked"),
    [
        ("model.tar.gz", "model"),
        ("model.tgz", "model"),
        ("model.tar.zst", "model"),
        ("model.tar", "model"),
        ("model.ZIP", "model"),
        ("model.tar.bz2", "model"),
        ("model.tar.xz", "model"),
        ("model.v2.tar.gz", "model.v2"),
        ("model.tar.zip", "model.tar"),
        ("model.gz", "model.gz"),
        ("model", "model"),
        (".zip", ".zip"),
    ],
)
def test_what_is_unpacked_goes_into_a_directory_named_like_its_archive(
    name: str, unpacked: str
) -> None:
    source = located(f"s3://bucket/a/{name}")
    assert default_path({"source": source, "unpack": True}) == f"models/{unpacked}"
    assert default_path({"source": source}) == f"models/{name}"


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_an_app_path_never_goes_up_or_starts_elsewhere(text: str) -> None:
    if is_path_below(text):
        parts = text.split("/")
        assert parts[0] != ""
        assert ".." not in parts
        assert "\0" not in text
        assert any(part not in ("", ".") for part in parts)


@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60
        ).filter(lambda part: part not in (".", "..")),
        min_size=1,
        max_size=8,
    )
)
def test_every_relative_path_of_plain_names_is_an_app_path(parts: list[str]) -> None:
    assert is_path_below("/".join(parts))
    assert is_path_below("./" + "/".join(parts))
    assert not is_path_below("/" + "/".join(parts))
    assert not is_path_below("/".join([*parts, ".."]))
    assert not is_path_below("/".join(["..", *parts]))


@pytest.mark.parametrize("text", ["", ".", "./", "/", "..", "a/../b", "/a", "//a", "a\0b"])
def test_what_names_nothing_inside_the_app_is_no_app_path(text: str) -> None:
    assert not is_path_below(text)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("x" * 256, id="a long name"),
        pytest.param("models/" + "€" * 86, id="a name of many bytes"),
        pytest.param("/".join(["x" * 200] * 30), id="many names"),
    ],
)
def test_a_path_too_long_for_any_file_system_is_a_problem(make_app: MakeApp, path: str) -> None:
    app = make_app(f'[[models]]\nsource = "s3://b/k"\npath = "{path}"\n')
    assert [problem.where for problem in problems_of(app)] == ["slugfit.toml: models[0].path"]


def model(source: str, **keys: str) -> str:
    """The table of one model."""
    rows = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f'[[models]]\nsource = "{source}"\npath = "m"\n{rows}'


IN_DIRECTORY = 'only with a directory as the source: "s3://bucket/directory/"'
OF_ARCHIVE = 'only with an archive as the source: "s3://bucket/key.tar.gz"'
OVER_TLS = 'only with a source that begins with "https://"'
OF_S3 = 'only with a source that begins with "s3://"'


@pytest.mark.parametrize(
    ("source", "key", "value", "allowed"),
    [
        ("s3://b/k", "include", "['a']", IN_DIRECTORY),
        ("https://host/d/", "exclude", "['a']", IN_DIRECTORY),
        ("weights/d", "include", "['a']", IN_DIRECTORY),
        ("s3://b/d/", "unpack", "true", OF_ARCHIVE),
        ("weights/k.zip", "unpack", "true", OF_ARCHIVE),
        ("gs://b/k", "requester_pays", "true", OF_S3),
    ],
)
def test_a_key_that_means_nothing_for_its_source_is_a_problem(
    make_app: MakeApp, source: str, key: str, value: str, allowed: str
) -> None:
    app = make_app(model(source, **{key: value}))
    assert problems_of(app) == [Problem(f"slugfit.toml: models[0].{key}", value, allowed)]


@pytest.mark.parametrize("source", ["http://host/k", "s3://b/k", "hf://org/name@main/k", "k.bin"])
def test_a_header_with_a_secret_is_for_https_alone(make_app: MakeApp, source: str) -> None:
    app = make_app(model(source, authorization='"TOKEN"'))
    assert problems_of(app, named={"TOKEN": "Bearer abc"}) == [
        Problem("slugfit.toml: models[0].authorization", '"TOKEN"', OVER_TLS)
    ]


@pytest.mark.parametrize("key", ["include", "exclude", "unpack", "requester_pays"])
def test_a_key_that_asks_for_nothing_suits_every_source(make_app: MakeApp, key: str) -> None:
    value = "[]" if key in ("include", "exclude") else "false"
    for source in ("s3://b/k", "s3://b/d/", "k.bin"):
        [loaded] = load(make_app(model(source, **{key: value})), {}).models
        assert loaded == model_from(source, "m")


@pytest.mark.parametrize(
    ("key", "value", "shown", "allowed"),
    [
        ("unpack", "'yes'", '"yes"', "true or false"),
        ("unpack", "1", "1", "true or false"),
        ("requester_pays", "'true'", '"true"', "true or false"),
        ("include", "'*.bin'", '"*.bin"', "a list of globs"),
        ("sha256", "''", '""', DIGEST),
    ],
)
def test_a_models_key_of_the_wrong_kind_is_a_problem(
    make_app: MakeApp, key: str, value: str, shown: str, allowed: str
) -> None:
    app = make_app(model("s3://b/d/", **{key: value}))
    assert problems_of(app) == [Problem(f"slugfit.toml: models[0].{key}", shown, allowed)]


@pytest.mark.parametrize("glob", ["/etc/*", "../*", ""])
def test_a_glob_stays_below_the_source(make_app: MakeApp, glob: str) -> None:
    app = make_app(model("s3://b/d/", exclude=f"['{glob}']"))
    assert problems_of(app) == [
        Problem(
            "slugfit.toml: models[0].exclude[0]",
            f'"{glob}"',
            'a glob relative to the source, such as "*.safetensors"',
        )
    ]


@pytest.mark.parametrize(
    ("source", "is_prefix"),
    [("s3://b/d/", True), ("hf://org/name@main/", True), ("s3://b/k", False), ("d", False)],
)
def test_a_model_knows_whether_it_is_a_directory(source: str, is_prefix: bool) -> None:
    assert model_from(source, "m").source.is_prefix is is_prefix


def test_a_header_is_read_from_the_config_var_that_the_file_names(make_app: MakeApp) -> None:
    app = make_app(model("https://host/k", authorization='"MODEL_TOKEN"'))
    settings = load(app, {}, {"MODEL_TOKEN": " Bearer abcdef\n"}.get)
    assert settings.models == (model_from("https://host/k", "m", authorization="Bearer abcdef"),)
    assert settings.secrets == ("Bearer abcdef", "abcdef")
    assert "abcdef" not in repr(settings)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (None, "not set"),
        (" \n", "not set"),
        ("Bearer a\nX-Other: b", "not one line of ASCII"),
        ("Bearer é", "not one line of ASCII"),
    ],
)
def test_a_config_var_that_can_not_be_a_header_is_a_problem(
    make_app: MakeApp, value: str | None, state: str
) -> None:
    app = make_app(model("https://host/k", authorization='"MODEL_TOKEN"'))
    assert problems_of(app, named={"MODEL_TOKEN": value} if value else None) == [
        Problem(
            "slugfit.toml: models[0].authorization",
            f"config var MODEL_TOKEN, which is {state}",
            "a config var with the header's value: Bearer …",
        )
    ]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ('"Bearer s3cr3t"', HEADER_HINT),
        ('"basic s3cr3t"', HEADER_HINT),
        ('"s3cr3t"', ""),
        ('["s3cr3t"]', ""),
        ('""', ""),
    ],
)
def test_a_secret_in_the_place_of_a_config_vars_name_is_not_shown(
    make_app: MakeApp, value: str, hint: str
) -> None:
    app = make_app(model("https://host/k", authorization=value))
    assert problems_of(app) == [
        Problem(
            "slugfit.toml: models[0].authorization",
            "a value that is not shown: it may be the secret itself",
            'the name of a config var, such as "MODEL_SERVER_AUTHORIZATION"',
            hint,
        )
    ]


def test_a_source_that_ends_without_a_name_asks_for_a_path(make_app: MakeApp) -> None:
    assert problems_of(make_app(), {"SLUGFIT_MODELS": "s3://b/k\nhttps://host/latest/"}) == [
        Problem(
            "config var SLUGFIT_MODELS, line 2",
            "nothing: the key is missing",
            "a path: the source does not end with a file name",
        )
    ]


def test_one_source_can_go_to_two_places(make_app: MakeApp) -> None:
    settings = load(make_app(), {"SLUGFIT_MODELS": "s3://b/k\ns3://b/k -> other/k"})
    assert [model.path for model in settings.models] == ["models/k", "other/k"]


def test_a_warning_level_above_the_limit_is_a_problem(make_app: MakeApp) -> None:
    app = make_app('[budget]\nlimit = "100MB"\nwarn = "200MB"\n')
    assert problems_of(app) == [
        Problem("slugfit.toml: budget.warn", "200.0 MB", "at most the limit, 100.0 MB")
    ]


def test_a_problem_between_file_and_config_var_is_laid_to_the_one_that_holds_the_key(
    make_app: MakeApp,
) -> None:
    app = make_app('[budget]\nlimit = "100MB"\n')
    assert problems_of(app, {"SLUGFIT_BUDGET_WARN": "200MB"}) == [
        Problem("config var SLUGFIT_BUDGET_WARN", "200.0 MB", "at most the limit, 100.0 MB")
    ]


def test_each_model_needs_a_path_of_its_own(make_app: MakeApp) -> None:
    text = """
[[models]]
source = "s3://b/one/k"
[[models]]
source = "s3://b/two/k"
[[models]]
source = "s3://b/three"
path = "models/k/inside"
[[models]]
source = "s3://b/four"
path = "other/./m//x"
[[models]]
source = "s3://b/five"
path = "other/m/x"
[[models]]
source = "s3://b/six"
path = "other/m/xy"
"""
    own = "a different path for each model"
    assert problems_of(make_app(text)) == [
        Problem("slugfit.toml: models[1].path", '"models/k"', own),
        Problem("slugfit.toml: models[2].path", '"models/k/inside"', own),
        Problem("slugfit.toml: models[4].path", '"other/m/x"', own),
    ]


def test_a_path_named_twice_in_the_config_var_is_laid_to_its_line(make_app: MakeApp) -> None:
    assert problems_of(make_app(), {"SLUGFIT_MODELS": "s3://b/k\ns3://c/k"}) == [
        Problem(
            "config var SLUGFIT_MODELS, line 2", '"models/k"', "a different path for each model"
        )
    ]


def test_the_lines_of_the_config_var_are_counted_as_its_author_counts_them(
    make_app: MakeApp,
) -> None:
    assert problems_of(make_app(), {"SLUGFIT_MODELS": "s3://b/k\n\nftp://x"}) == [
        Problem("config var SLUGFIT_MODELS, line 3", '"ftp://x"', SOURCE)
    ]


def test_a_file_that_is_not_toml_is_named_with_the_parsers_reason(make_app: MakeApp) -> None:
    with pytest.raises(MalformedToml) as caught:
        load(make_app("[budget]\nlimit = 300MB\n"), {})
    assert (
        error_text(caught.value)
        == """\
Error: slugfit.toml is not valid TOML.

slugfit.toml
Expected newline or end of document after a statement (at line 2, column 12)

To fix this:
1. Correct the line named above. Text needs quotes: limit = "300MB"
2. Check the file on your computer:
   python3 -c 'import tomllib; tomllib.load(open("slugfit.toml", "rb"))'

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#settingsmalformed-toml
"""
    )
    assert str(caught.value) == "slugfit.toml is not valid TOML: slugfit.toml"


def test_a_malformed_pyproject_toml_is_named_as_well(make_app: MakeApp) -> None:
    with pytest.raises(MalformedToml) as caught:
        load(make_app(project="[tool.slugfit\n"), {})
    assert caught.value.file == "pyproject.toml"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'a = "\xff"\n', id="not UTF-8"),
        pytest.param(b"a = 1\na = 2\n", id="a key given twice"),
        pytest.param(b"a = " + b"[" * 20_000, id="nested too deep"),
        pytest.param(b"a = " + b"9" * 5_000, id="an endless number"),
    ],
)
def test_whatever_the_parser_can_not_read_is_malformed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "slugfit.toml").write_bytes(content)
    with pytest.raises(MalformedToml):
        load(tmp_path, {})


def test_two_files_that_configure_slugfit_are_one_too_many(make_app: MakeApp) -> None:
    with pytest.raises(ConfiguredTwice) as caught:
        load(make_app("", "[tool.slugfit]\n"), {})
    assert (
        error_text(caught.value)
        == """\
Error: Slugfit is configured in two files.

slugfit.toml
pyproject.toml: [tool.slugfit]

Only one of them can be the one you mean.

To fix this:
1. Move everything into one of the two and delete the other.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#settingsconfigured-twice
"""
    )


def test_a_size_beyond_all_measure_is_a_problem_and_no_accident(make_app: MakeApp) -> None:
    [problem] = problems_of(make_app(f'[budget]\nlimit = "{"9" * 400}GB"\n'))
    assert (problem.where, problem.allowed) == ("slugfit.toml: budget.limit", SIZE)


CONVERTED = """
[[models]]
source  = "s3://bucket/my_model.keras"
convert = { to = "tflite", quantize = "int8", representative = "check/some.npz" }

[models.check]
input         = "check/inputs.npz"
reference     = "check/expected.npz"
max_error     = 0.05
min_agreement = 0.99
"""


def test_a_model_is_converted_and_checked_as_its_tables_say(make_app: MakeApp) -> None:
    (model,) = load(make_app(CONVERTED), {}).models
    assert model.path == "models/my_model.tflite"
    assert model.convert == ConvertSettings("tflite", "int8", "check/some.npz")
    assert model.check == CheckSettings(
        input="check/inputs.npz",
        reference="check/expected.npz",
        max_error=0.05,
        min_agreement=0.99,
    )


ARRAYS = 'a path to an .npz file of the app, such as "check/inputs.npz"'


@pytest.mark.parametrize(
    ("tables", "key", "found", "allowed"),
    [
        (
            'convert = { quantize = "none" }',
            "convert.to",
            None,
            '"tflite", "onnx" or "torchscript"',
        ),
        (
            'convert = { to = "onnx", quantize = "int8" }',
            "convert.representative",
            None,
            ARRAYS + ',\n           which quantize = "int8" is calibrated with',
        ),
        (
            'convert = { to = "onnx", representative = "a.npz" }',
            "convert.representative",
            '"a.npz"',
            'only with quantize = "int8"',
        ),
        ('check = { input = "../in.npz" }', "check.input", '"../in.npz"', ARRAYS),
        ('check = { input = "in.csv" }', "check.input", '"in.csv"', ARRAYS),
        ("check = { max_error = 0 }", "check.max_error", "0", "a number over 0"),
        ("check = { max_error = true }", "check.max_error", "true", "a number over 0"),
        (
            "check = { min_agreement = 99 }",
            "check.min_agreement",
            "99",
            "a number over 0, up to 1",
        ),
        (
            'check = { reference = "out.npz" }',
            "check.reference",
            '"out.npz"',
            "only with input, whose expected outputs it has",
        ),
        (
            "check = { load = false, max_error = 1.0 }",
            "check.max_error",
            "1.0",
            "only without load = false",
        ),
        (
            "check = { max_error = 1.0 }",
            "check",
            "a table",
            "only with a reference, or with convert: what are the outputs compared with?",
        ),
    ],
)
def test_tables_of_a_model_that_fit_nothing_are_problems(
    make_app: MakeApp, tables: str, key: str, found: str | None, allowed: str
) -> None:
    (problem,) = problems_of(make_app(f'[[models]]\nsource = "s3://bucket/m.keras"\n{tables}\n'))
    assert problem == Problem(
        f"slugfit.toml: models[0].{key}", found or "nothing: the key is missing", allowed
    )
