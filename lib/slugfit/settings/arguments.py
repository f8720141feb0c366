"""The settings of a single model that the command line names; config vars are the environment's."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace

from slugfit.settings.config_vars import (
    authorization_from,
    config_vars_from,
    secrets_in,
    secrets_of,
)
from slugfit.settings.failures import Problem, SettingsInvalid
from slugfit.settings.model import ModelSettings, Settings
from slugfit.settings.stores import stores_from
from slugfit.settings.urls import HttpUrl, S3Url, Url, parse

_ALLOWED = (
    "s3://bucket/key, https://host/path, hf://org/name@revision/path,\n"
    "           gs://bucket/object, az://account/container/blob; a directory ends with /"
)


def settings_from(args: Namespace, environ: Mapping[str, str]) -> Settings:
    """One model, and the stores' settings. Raises SettingsInvalid with all problems at once."""
    config_vars = config_vars_from(environ)
    stores, problems = stores_from(config_vars)
    authorization, problem = authorization_from(args.authorization, environ.get)
    unset = [replace(problem, where="--authorization")] if problem else []
    problems = [*_problems(args, parse(args.source)), *unset, *problems]
    if problems:
        raise SettingsInvalid(tuple(problems))
    model = ModelSettings(
        source=args.source,
        path=args.dest,
        sha256=args.sha256,
        include=tuple(args.include),
        exclude=tuple(args.exclude),
        unpack=args.unpack,
        authorization=authorization,
        requester_pays=args.requester_pays,
    )
    secrets = [*secrets_in(config_vars), *(secrets_of(authorization) if authorization else ())]
    settings = Settings(models=(model,), secrets=tuple(secrets), **stores)
    return outside_a_build(settings)


def outside_a_build(settings: Settings) -> Settings:
    """No platform ends the fetch, and boto3 may look for a key as the AWS CLI does."""
    s3 = replace(settings.s3, ambient=not settings.s3.credentials)
    return replace(settings, s3=s3, fetch=replace(settings.fetch, deadline=math.inf))


def _problems(args: Namespace, url: Url | None) -> list[Problem]:
    if url is None:
        return [Problem("SOURCE", f'"{args.source}"', _ALLOWED)]
    problems = []
    if (args.include or args.exclude) and not url.is_prefix:
        problems.append(_useless("--include, --exclude", "a directory: a source that ends with /"))
    if args.unpack and url.is_prefix:
        problems.append(_useless("--unpack", "a single archive"))
    if args.requester_pays and not isinstance(url, S3Url):
        problems.append(_useless("--requester-pays", "s3://"))
    if args.authorization and not (isinstance(url, HttpUrl) and url.keeps_secrets):
        problems.append(_useless("--authorization", "https://"))
    return problems


def _useless(option: str, allowed: str) -> Problem:
    return Problem(option, "an option that means nothing for this source", f"with {allowed}")
