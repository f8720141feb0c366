"""The Hugging Face hub, or one that speaks its protocol. The client is hub_client."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.endpoints import base_from
from slugfit.stores.store import (
    Advice,
    ConfigVar,
    ConfigVars,
    Found,
    ModelOptions,
    Risk,
    Store,
    secret,
)
from slugfit.stores.urls import PATH, ObjectUrl, by_form, encoded

_NAME = r"\w(?:[\w.-]{0,94}\w)?"
_BRANCH = "main"
_SET_TOKEN = "heroku config:set HF_TOKEN=hf_…"  # noqa: S105 (no token)


@dataclass(frozen=True)
class HubUrl(ObjectUrl):
    """What is in a model repository. `revision`: a commit, tag or branch."""

    repo: str
    path: str
    revision: str = _BRANCH

    @property
    def store(self) -> Store[HubUrl, HubSettings]:
        return HUB

    @property
    def parts(self) -> tuple[str, str, str]:
        revision = encoded(self.revision).replace("/", "%2F")
        return f"hf://{self.repo}@{revision}", self.path, ""

    @property
    def look_at(self) -> str:
        return f"https://huggingface.co/{self.repo}/tree/{self.revision}"


@dataclass(frozen=True)
class HubSettings:
    """Where the hub is, and the token for it."""

    endpoint: str = "https://huggingface.co"
    token: str | None = field(default=None, repr=False)


def _settings_from(config_vars: ConfigVars) -> Found[HubSettings]:
    endpoint, problems = base_from(config_vars, "HF_ENDPOINT")
    return HubSettings(endpoint or HubSettings.endpoint, config_vars.get("HF_TOKEN")), problems


def _open(
    url: HubUrl, settings: HubSettings, options: ModelOptions
) -> StoreObject | StoreDirectory:
    from slugfit.stores.hub_client import HubObject, HubPrefix  # noqa: PLC0415 (takes time)

    return (HubPrefix if url.is_prefix else HubObject)(url, settings, time.time)


def _risks(url: HubUrl, is_pinned: bool) -> Iterator[Risk]:
    if url.revision == _BRANCH and not is_pinned:
        yield Risk(
            "A model follows a branch that its owner can move.",
            "The next build may get another model.",
            "Name a commit instead of the branch, pin the content with sha256, or commit a\n"
            "slugfit.lock: bin/slugfit lock",
        )


HUB = Store(
    schemes=("hf",),
    parse=by_form(
        HubUrl,
        # datasets/ and spaces/ begin the names of other kinds of repositories.
        rf"hf://(?!(?:datasets|spaces)/)(?P<repo>{_NAME}/{_NAME})"
        rf"(?:@(?P<revision>[^/?#]+))?/(?P<path>{PATH})",
        re.ASCII,
    ),
    example="hf://org/name@revision/path",
    form='"hf://org/name@revision/path" or "hf://org/name@revision/directory/"\n'
    '           (in revisions, "/" is written "%2F")',
    config_vars=(secret("HF_TOKEN"), ConfigVar("HF_ENDPOINT")),
    settings_from=_settings_from,
    open=_open,
    risks=_risks,
    advice=Advice(
        denied=(
            "Compare the repository's name with the one on its page.",
            f"If it is private, give the app a token that may read it:\n{_SET_TOKEN}",
        ),
        denied_why="To those who may not read it, the hub says that a private repository does\n"
        "not exist.",
        rejected="Check the source's URL, and HF_ENDPOINT if it is set.",
        unreachable="HF_ENDPOINT, if it is set;",
        wrong_key=(f"Make a new token that may read, and give it to the app:\n{_SET_TOKEN}",),
    ),
)
