"""The config vars of the stores become keys, tokens and endpoints, or problems."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settings.test_config_vars import AWS, BUCKETEER, CLOUDCUBE
from slugfit.base.errors import Problem
from slugfit.stores.azure import AZURE, AzureSettings
from slugfit.stores.gcs import GCS, GcsSettings
from slugfit.stores.hub import HUB, HubSettings
from slugfit.stores.registry import settings_from
from slugfit.stores.s3 import S3, S3Credentials, S3Settings
from slugfit.stores.store import StoreSettings

ACCOUNT = json.dumps(
    {
        "type": "service_account",
        "client_email": "slugfit@project.iam.example",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n",
        "token_uri": "https://oauth2.example/token",
    }
)
URL = "a URL: https://host[:port]"


def test_without_vars_there_is_no_key_and_no_endpoint() -> None:
    assert S3.settings_from({}) == (S3Settings((), None, None), [])


def test_the_standard_vars_make_a_key_for_any_bucket() -> None:
    config_vars = {**AWS, "AWS_SESSION_TOKEN": "aws-token", "AWS_REGION": "eu-central-1"}
    key = S3Credentials("aws-id", "aws-secret", "aws-token", "eu-central-1", None)
    assert S3.settings_from(config_vars) == (S3Settings((key,), "eu-central-1", None), [])


def test_bucketeers_vars_make_a_key_for_its_bucket() -> None:
    key = S3Credentials("bucketeer-id", "bucketeer-secret", None, "eu-west-1", "bucketeer-bucket")
    assert S3.settings_from(BUCKETEER) == (S3Settings((key,), None, None), [])


def test_cloudcubes_vars_make_a_key_for_the_bucket_in_its_url() -> None:
    key = S3Credentials("cube-id", "cube-secret", None, None, "cloud-cube")
    assert S3.settings_from(CLOUDCUBE) == (S3Settings((key,), None, None), [])


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
    settings, problems = S3.settings_from({**AWS, **BUCKETEER, **CLOUDCUBE})
    key = settings.credentials_for(bucket)
    assert key is not None
    assert (key.access_key_id, problems) == (key_id, [])


def test_an_add_ons_key_is_for_no_other_bucket() -> None:
    settings, _ = S3.settings_from(BUCKETEER)
    assert settings.credentials_for("any-other") is None


def test_a_session_token_belongs_to_the_standard_key_alone() -> None:
    settings, _ = S3.settings_from({**BUCKETEER, "AWS_SESSION_TOKEN": "aws-token"})
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
    assert S3.settings_from(config_vars) == (S3Settings((), region, None), [])


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
    assert S3.settings_from(config_vars) == (S3Settings((), None, endpoint), [])


@pytest.mark.parametrize("prefix", ["AWS_", "BUCKETEER_AWS_", "CLOUDCUBE_"])
@pytest.mark.parametrize(
    ("set_half", "missing_half"),
    [("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"), ("SECRET_ACCESS_KEY", "ACCESS_KEY_ID")],
)
def test_half_a_key_is_a_problem_with_the_other_half(
    prefix: str, set_half: str, missing_half: str
) -> None:
    settings, problems = S3.settings_from({prefix + set_half: "value"})
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
    _, problems = S3.settings_from({name: value})
    assert problems == [Problem(f"config var {name}", f'"{value}"', URL)]


def test_a_malformed_url_of_an_add_on_stops_nothing_that_does_not_need_it() -> None:
    settings, _ = S3.settings_from({**AWS, "CLOUDCUBE_URL": "https://[x"})
    assert [key.access_key_id for key in settings.credentials] == ["aws-id"]


def test_the_settings_show_no_secret_when_they_are_printed() -> None:
    settings, _ = S3.settings_from(
        {**AWS, "AWS_SESSION_TOKEN": "aws-token", **BUCKETEER, **CLOUDCUBE}
    )
    shown = repr(settings) + str(settings)
    assert "bucketeer-bucket" in shown
    for secret in ("aws-id", "aws-secret", "aws-token", "bucketeer-secret", "cube-secret"):
        assert secret not in shown


@pytest.mark.parametrize("style", ["auto", "path", "virtual"])
def test_the_style_in_which_buckets_are_addressed_can_be_set(style: str) -> None:
    settings, problems = S3.settings_from({"SLUGFIT_S3_ADDRESSING_STYLE": style})
    assert (settings.addressing_style, problems) == (style, [])


def test_another_style_is_a_problem() -> None:
    _, problems = S3.settings_from({"SLUGFIT_S3_ADDRESSING_STYLE": "host"})
    assert problems == [
        Problem("config var SLUGFIT_S3_ADDRESSING_STYLE", '"host"', '"auto" or "path" or "virtual"')
    ]


def test_without_vars_every_store_is_where_everyone_has_it() -> None:
    settings, problems = settings_from({})
    assert (settings, problems) == (StoreSettings(), [])
    assert settings[S3] == S3Settings()
    assert settings[HUB] == HubSettings("https://huggingface.co", None)
    assert settings[GCS] == GcsSettings("https://storage.googleapis.com", None)
    assert settings[AZURE] == AzureSettings(None, None, None)


def test_settings_like_the_defaults_are_the_defaults() -> None:
    hub = HubSettings(token="hf-token")
    settings = StoreSettings().having(HUB, hub).having(S3, S3Settings())
    assert settings == StoreSettings().having(HUB, hub)
    assert (settings[HUB], settings[S3]) == (hub, S3Settings())
    assert settings.having(HUB, HubSettings()) == StoreSettings()


def test_the_hub_takes_a_token_and_can_be_another_one() -> None:
    config_vars = {"HF_TOKEN": "hf-token", "HF_ENDPOINT": "https://hub.example/mirror/"}
    assert HUB.settings_from(config_vars) == (
        HubSettings("https://hub.example/mirror", "hf-token"),
        [],
    )


@pytest.mark.parametrize("host", ["localhost:4443", "http://localhost:4443"])
def test_an_emulator_is_named_with_or_without_its_scheme(host: str) -> None:
    config_vars = {"STORAGE_EMULATOR_HOST": host, "GOOGLE_CREDENTIALS": ACCOUNT}
    assert GCS.settings_from(config_vars) == (GcsSettings("http://localhost:4443", ACCOUNT), [])


@pytest.mark.parametrize("mark", ["", "?"])
def test_a_sas_token_is_one_with_or_without_its_question_mark(mark: str) -> None:
    config_vars = {
        "AZURE_STORAGE_KEY": "azure-key",
        "AZURE_STORAGE_SAS_TOKEN": f"{mark}sv=1&sig=abc",
        "AZURE_STORAGE_SERVICE_ENDPOINT": "http://127.0.0.1:10000/devstoreaccount1",
    }
    assert AZURE.settings_from(config_vars) == (
        AzureSettings("http://127.0.0.1:10000/devstoreaccount1", "azure-key", "sv=1&sig=abc"),
        [],
    )


@pytest.mark.parametrize(
    "name", ["HF_ENDPOINT", "STORAGE_EMULATOR_HOST", "AZURE_STORAGE_SERVICE_ENDPOINT"]
)
@pytest.mark.parametrize("value", ["ftp://host", "https://", "https://[x", "https://host:port"])
def test_an_endpoint_of_another_store_must_be_a_web_address_too(name: str, value: str) -> None:
    _, problems = settings_from({name: value})
    assert problems == [Problem(f"config var {name}", f'"{value}"', URL)]


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ("/home/me/key.json", "not a JSON object (the value is not shown)"),
        ('"text"', "not a JSON object (the value is not shown)"),
        ("[" * 100_000, "not a JSON object (the value is not shown)"),
        ("{}", "JSON without client_email, private_key, token_uri"),
        (ACCOUNT.replace("private_key", "key"), "JSON without private_key"),
        (ACCOUNT.replace('"https://oauth2.example/token"', "3"), "JSON without token_uri"),
    ],
)
def test_what_is_no_service_account_is_a_problem_that_shows_nothing_of_it(
    account: str, found: str
) -> None:
    _, problems = GCS.settings_from({"GOOGLE_CREDENTIALS": account})
    assert problems == [
        Problem(
            "config var GOOGLE_CREDENTIALS",
            found,
            "the JSON key of a service account",
            'heroku config:set GOOGLE_CREDENTIALS="$(cat key.json)"',
        )
    ]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(HUB.settings_from({"HF_TOKEN": "hf-token"}), id="hub"),
        pytest.param(GCS.settings_from({"GOOGLE_CREDENTIALS": ACCOUNT}), id="gcs"),
        pytest.param(
            AZURE.settings_from(
                {"AZURE_STORAGE_KEY": "azure-key", "AZURE_STORAGE_SAS_TOKEN": "sig=abc"}
            ),
            id="azure",
        ),
    ],
)
def test_no_stores_settings_show_a_secret_when_they_are_printed(settings: Any) -> None:
    for secret in ("hf-token", "MIIEvQ", "azure-key", "sig=abc"):
        assert secret not in repr(settings)
