"""What to do about a failure, store by store: the words that only one of them needs."""

from __future__ import annotations

from dataclasses import dataclass

from slugfit.settings.urls import AzureUrl, GcsUrl, HubUrl, S3Url, parse


@dataclass(frozen=True)
class Advice:
    """What a store's failures say. Each field's name is that of what went wrong."""

    denied: tuple[str, ...]
    rejected: str
    unreachable: str
    denied_why: str = ""
    wrong_key: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    expired_why: str = ""
    skewed_why: str = "The store refuses signatures that are more than 15 minutes off."
    bucket: str = "bucket"
    no_bucket: tuple[str, ...] = ()


_SPACES = "A space or line break at its end is enough:"
_AWS_KEY = "heroku config:set AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"
_AWS_ADDRESS = "heroku config:set AWS_ENDPOINT_URL_S3=https://…"
_GOOGLE_KEY = 'heroku config:set GOOGLE_CREDENTIALS="$(cat key.json)"'
_AZURE_KEY = "heroku config:set AZURE_STORAGE_KEY=…"
_SAS_TOKEN = "heroku config:set AZURE_STORAGE_SAS_TOKEN=…"  # noqa: S105 (no token)
_HUB_TOKEN = "heroku config:set HF_TOKEN=hf_…"  # noqa: S105 (no token)

_WEB = Advice(
    denied=(
        "If the link is signed, make a new one: signatures expire.",
        "For private files in object storage, use s3://bucket/key with a key.",
        "If the server wants an Authorization header, name the config var that has it:\n"
        'authorization = "MODEL_AUTHORIZATION"',
    ),
    rejected="Check the source's URL.",
    unreachable="the host's name in the source;",
)
_STORES = {
    "s3": Advice(
        denied=(
            "Check which key the app has:\nheroku config | grep -E 'AWS_|BUCKETEER_|CLOUDCUBE_'",
            "Give that key the permission s3:GetObject on the object, and s3:ListBucket\n"
            "on the bucket.",
            "Compare the object's name with what is stored.",
        ),
        denied_why="S3 also denies access to an object that does not exist, when the key may not\n"
        "list the bucket.",
        rejected="Check the source's URL, the region (AWS_REGION) and AWS_ENDPOINT_URL.",
        unreachable="the host's name in the source, and AWS_ENDPOINT_URL if it is set;",
        wrong_key=(
            f"Compare the key with the store's. {_SPACES}\n{_AWS_KEY}",
            f"If the key belongs to another store than AWS, name its address:\n{_AWS_ADDRESS}",
        ),
        expired=(
            "Give the app a permanent key that may read the bucket, and no token:\n"
            f"{_AWS_KEY}\nheroku config:unset AWS_SESSION_TOKEN",
        ),
        expired_why="A key that comes with AWS_SESSION_TOKEN is a temporary one.",
        no_bucket=(
            "Compare the bucket's name with what the key may see:\naws s3 ls",
            f"If the bucket is in another store than AWS, name its address:\n{_AWS_ADDRESS}",
        ),
    ),
    "gs": Advice(
        denied=(
            "Give the service account the role Storage Object Viewer on the bucket. If the app\n"
            f"has no service account, give it the key of one:\n{_GOOGLE_KEY}",
            "Compare the object's name with what is stored.",
        ),
        denied_why="Google also denies access to an object that does not exist, when the service\n"
        "account may not list the bucket.",
        rejected="Check the source's URL, and STORAGE_EMULATOR_HOST if it is set.",
        unreachable="STORAGE_EMULATOR_HOST, and token_uri in GOOGLE_CREDENTIALS, if they are set;",
        wrong_key=(
            "Check that the service account and its key still exist:\n"
            "gcloud iam service-accounts keys list --iam-account=…",
            f"Give the app the whole JSON file of a key:\n{_GOOGLE_KEY}",
        ),
        skewed_why="Google refuses signatures that are more than a few minutes off.",
        no_bucket=("Compare the bucket's name with those of your project:\ngcloud storage ls",),
    ),
    "az": Advice(
        denied=(
            f"Give the app a SAS token that may read, and list for a directory:\n{_SAS_TOKEN}",
            f"Or give it the account's key:\n{_AZURE_KEY}",
            "Check that the account's firewall lets builds in, which come from anywhere.",
        ),
        denied_why="Azure says of a private container that it does not exist, or that it is not\n"
        "public, to whom it does not know.",
        rejected="Check the source's URL, and AZURE_STORAGE_SERVICE_ENDPOINT if it is set.",
        unreachable="the account's name in the source, and AZURE_STORAGE_SERVICE_ENDPOINT if it\n"
        "is set;",
        wrong_key=(
            f"Compare the key with the account's in the source. {_SPACES}\n{_AZURE_KEY}",
            f"If the app has a SAS token, make a new one: it ends with its key.\n{_SAS_TOKEN}",
        ),
        expired=(f"Make a new SAS token, with a later end:\n{_SAS_TOKEN}",),
        expired_why="A SAS token has a beginning and an end, which its maker chooses.",
        bucket="container",
        no_bucket=(
            "Compare the container's name with those of the account:\n"
            "az storage container list --output table --account-name …",
        ),
    ),
    "hf": Advice(
        denied=(
            "Compare the repository's name with the one on its page.",
            f"If it is private, give the app a token that may read it:\n{_HUB_TOKEN}",
        ),
        denied_why="Of a private repository the hub says that it does not exist.",
        rejected="Check the source's URL, and HF_ENDPOINT if it is set.",
        unreachable="HF_ENDPOINT, if it is set;",
        wrong_key=(f"Make a new token that may read, and give it to the app:\n{_HUB_TOKEN}",),
    ),
}


def advice_for(source: str) -> Advice:
    """What to say about a source, by its URL."""
    return _STORES.get(source.partition("://")[0], _WEB)


def look_at(source: str) -> str:
    """A command or a page that shows what is behind `source`, or beside it."""
    url = parse(source)
    if isinstance(url, S3Url):
        return f"aws s3 ls {source.rpartition('/')[0]}/"
    if isinstance(url, GcsUrl):
        return f"gcloud storage ls {source.rpartition('/')[0]}/"
    if isinstance(url, AzureUrl):
        account = f"--account-name {url.account} --container-name {url.container}"
        return f"az storage blob list --output table {account}"
    if isinstance(url, HubUrl):
        return f"https://huggingface.co/{url.repo}/tree/{url.revision}"
    return f"curl --location --head '{source}'"
