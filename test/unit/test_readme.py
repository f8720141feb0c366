"""README and CONTRIBUTING say what the code does."""

from __future__ import annotations

import re

from slugfit import __main__ as entry_point
from slugfit.errors import Failure, link
from slugfit.settings.config_vars import _OTHER, _SECRET
from slugfit.settings.schema import ModelSchema, SettingsSchema
from support.paths import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def subclasses(kind: type[Failure]) -> list[type[Failure]]:
    return [c for s in kind.__subclasses__() for c in (s, *subclasses(s))]


def test_every_failure_has_its_heading_and_every_heading_its_failure() -> None:
    assert entry_point.Unexpected in subclasses(Failure)
    in_python = {c.id for c in subclasses(Failure) if hasattr(c, "id")}
    in_bash = set(re.findall(r"\b(?:boot|internal)::[a-z]+(?:-[a-z]+)+", (REPOSITORY / "lib/boot.sh").read_text()))
    headings = re.findall(r"^### `(.+)`$", README, flags=re.MULTILINE)
    assert sorted(headings) == sorted(in_python | in_bash)
    assert len(headings) == len(set(headings))


def test_a_link_leads_to_the_anchor_that_github_gives_the_heading() -> None:
    assert link("fetch::object-missing").endswith("/slugfit#fetchobject-missing")


def test_the_configuration_table_has_every_key() -> None:
    schema = SettingsSchema()
    keys = [f"{name}.{key}" for name in ("budget", "strip") for key in schema.fields[name].schema.fields]
    keys += [f"models[].{key}" for key in ModelSchema().fields]
    assert [key for key in keys if f"| `{key}` |" not in README] == []


def test_every_config_var_for_stores_is_named() -> None:
    assert [name for name in (*_SECRET, *_OTHER) if f"`{name}`" not in README] == []
