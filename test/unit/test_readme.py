"""README says what the code does."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import walk_packages

import slugfit
from slugfit.errors import Failure, link
from slugfit.settings.config_vars import _OTHER, _SECRET
from slugfit.settings.schema import BudgetSchema, FetchSchema, ModelSchema, StripSchema
from support.paths import REPOSITORY

BOOT = (REPOSITORY / "lib/boot.sh").read_text()
README = (REPOSITORY / "README.md").read_text()


def subclasses(kind: type[Failure]) -> list[type[Failure]]:
    return [c for s in kind.__subclasses__() for c in (s, *subclasses(s))]


def test_every_failure_has_its_heading_and_every_heading_its_failure() -> None:
    for module in walk_packages(slugfit.__path__, "slugfit."):
        import_module(module.name)
    ours = [c for c in subclasses(Failure) if c.__module__.startswith("slugfit.")]
    in_python = {c.id for c in ours if hasattr(c, "id")}
    in_bash = set(re.findall(r"\bboot::[a-z]+(?:-[a-z]+)+", BOOT))
    headings = re.findall(r"^### `(.+)`$", README, flags=re.MULTILINE)
    assert sorted(headings) == sorted(in_python | in_bash)


def test_a_link_leads_to_the_anchor_that_github_gives_the_heading() -> None:
    assert link("fetch::object-missing").endswith("/slugfit#fetchobject-missing")


def test_the_configuration_table_has_every_key() -> None:
    tables = {
        "budget": BudgetSchema(),
        "fetch": FetchSchema(),
        "strip": StripSchema(),
        "models[]": ModelSchema(),
    }
    keys = [f"{name}.{key}" for name, schema in tables.items() for key in schema.fields]
    assert [key for key in keys if f"| `{key}` |" not in README] == []


def test_every_config_var_for_stores_is_named() -> None:
    assert [name for name in (*_SECRET, *_OTHER) if f"`{name}`" not in README] == []
