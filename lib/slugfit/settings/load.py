"""slugfit.toml, pyproject.toml and config vars become one frozen Settings, or all problems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from slugfit.base.errors import Problem
from slugfit.base.sizes import format_size
from slugfit.settings.config_vars import (
    Named,
    authorization_from,
    secrets_of,
    table_from,
    unknown_vars,
    var_for,
)
from slugfit.settings.documents import Document, find_document
from slugfit.settings.failures import SettingsInvalid
from slugfit.settings.model import (
    SECTIONS,
    BudgetSettings,
    FetchSettings,
    ModelSettings,
    Settings,
    StripSettings,
)
from slugfit.settings.problems import KeyPath, key_name, load_table
from slugfit.stores.registry import settings_from
from slugfit.stores.store import ConfigVars, StoreSettings


def load(app: Path, config_vars: ConfigVars, named: Named = lambda name: None) -> Settings:
    """The app's settings, config vars over the file. Raises a settings failure.

    `named` reads the config vars that the settings name.
    """
    document = find_document(app)
    from_file, file_problems = load_table(document.table if document else {})
    from_vars, var_problems = load_table(table_from(config_vars))
    stores, problems = settings_from(config_vars)
    problems = [
        *(replace(problem, where=_in_file(document, path)) for path, problem in file_problems),
        *(replace(problem, where=var_for(path, config_vars)) for path, problem in var_problems),
        *unknown_vars(config_vars),
        *problems,
    ]
    if not problems:
        merged = _merge(from_file, from_vars)
        authorized, unusable = _authorize(merged.get("models", []), named)
        problems = [
            replace(
                problem,
                where=var_for(path, config_vars)
                if _is_set(from_vars, path)
                else _in_file(document, path),
            )
            for path, problem in (
                *_budget_problems(merged["budget"]),
                *_path_problems(authorized),
                *unusable,
            )
        ]
    if problems:
        raise SettingsInvalid(tuple(problems))
    return _assemble(document, merged | {"models": authorized}, stores)


def _in_file(document: Document | None, path: KeyPath) -> str:
    if document is None:
        return key_name(path)
    return f"{document.label}: {document.prefix}{key_name(path)}".rstrip(".")


def _is_set(table: dict[str, Any], path: KeyPath) -> bool:
    """Whether `table` holds the key at `path`, or the list of models that it is in."""
    section, key = path[:2]
    return section in table and (section == "models" or key in table[section])


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged by key; a list of models replaces the other whole."""
    merged = below | above
    for section in SECTIONS:
        merged[section] = below.get(section, {}) | above.get(section, {})
    return merged


def _budget_problems(budget: dict[str, int]) -> list[tuple[KeyPath, Problem]]:
    if "limit" not in budget or "warn" not in budget or budget["warn"] <= budget["limit"]:
        return []
    allowed = f"at most the limit, {format_size(budget['limit'])}"
    return [(("budget", "warn"), Problem("", format_size(budget["warn"]), allowed))]


def _path_problems(models: list[ModelSettings]) -> list[tuple[KeyPath, Problem]]:
    """No two models have one path, and no path leads through another model's file."""
    paths = [Path(model.path) for model in models]
    return [
        (("models", index, "path"), Problem("", f'"{path}"', "a different path for each model"))
        for index, path in enumerate(paths)
        if any(_overlap(path, earlier) for earlier in paths[:index])
    ]


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _authorize(
    models: list[ModelSettings], named: Named
) -> tuple[list[ModelSettings], list[tuple[KeyPath, Problem]]]:
    """The models with the values of their headers instead of the names of the config vars."""
    authorized: list[ModelSettings] = []
    problems: list[tuple[KeyPath, Problem]] = []
    for index, model in enumerate(models):
        value, problem = authorization_from(model.authorization, named)
        if problem:
            problems.append((("models", index, "authorization"), problem))
        authorized.append(replace(model, authorization=value))
    return authorized, problems


def _assemble(document: Document | None, table: dict[str, Any], stores: StoreSettings) -> Settings:
    budget = BudgetSettings(**table["budget"])
    headers = [model.authorization for model in table["models"] if model.authorization]
    return Settings(
        origin=document.label if document else None,
        # A lower limit without a warning level of its own warns at nothing below it.
        budget=replace(budget, warn=min(budget.warn, budget.limit)),
        strip=StripSettings(**table["strip"]),
        models=tuple(table["models"]),
        fetch=FetchSettings(**table["fetch"]),
        secrets=tuple(secret for header in headers for secret in secrets_of(header)),
        stores=stores,
    )
