"""The settings of a single model on the command line; config vars are environment variables."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace

from slugfit.base.errors import Problem
from slugfit.settings.config_vars import authorization_from, config_vars_from, secrets_of
from slugfit.settings.failures import SettingsInvalid
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import registry
from slugfit.stores.location import StoreLocation


def settings_from(args: Namespace, environ: Mapping[str, str]) -> Settings:
    """One model, and the stores' settings. Raises SettingsInvalid with all problems at once."""
    config_vars = config_vars_from(environ)
    stores, problems = registry.settings_from(config_vars)
    authorization, problem = authorization_from(args.authorization, environ.get)
    unset = [replace(problem, where="--authorization")] if problem else []
    source = registry.locate(args.source)
    if not isinstance(source, StoreLocation):
        allowed = f"{registry.examples()}; a directory ends with /"
        raise SettingsInvalid((Problem("SOURCE", f'"{args.source}"', allowed), *unset, *problems))
    if problems := [*_problems(args, source), *unset, *problems]:
        raise SettingsInvalid(tuple(problems))
    model = ModelSettings(
        source=source,
        path=args.dest,
        sha256=args.sha256,
        include=tuple(args.include),
        exclude=tuple(args.exclude),
        unpack=args.unpack,
        authorization=authorization,
        requester_pays=args.requester_pays,
    )
    secrets = registry.secrets_in(config_vars)
    secrets += secrets_of(authorization) if authorization else []
    settings = Settings(models=(model,), secrets=tuple(secrets), stores=stores)
    return outside_a_build(settings)


def outside_a_build(settings: Settings) -> Settings:
    """No platform ends the fetch, and stores may look for credentials as their own tools do."""
    stores = registry.outside_a_build(settings.stores)
    return replace(settings, stores=stores, fetch=replace(settings.fetch, deadline=math.inf))


def _problems(args: Namespace, source: StoreLocation) -> list[Problem]:
    problems = []
    if (args.include or args.exclude) and not source.is_prefix:
        problems.append(_useless("--include, --exclude", "a directory: a source that ends with /"))
    if args.unpack and source.is_prefix:
        problems.append(_useless("--unpack", "a single archive"))
    for option in registry.OPTIONS:
        if getattr(args, option) and not source.takes(option):
            flag = f"--{option.replace('_', '-')}"
            problems.append(_useless(flag, registry.takers_of(option)))
    return problems


def _useless(option: str, allowed: str) -> Problem:
    return Problem(option, "an option that does not apply to this source", f"with {allowed}")
