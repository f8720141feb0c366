"""README and docs/ say what the code does."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from pkgutil import walk_packages

import pytest

import slugfit
from slugfit.base.errors import Failure, link
from slugfit.commands.tool import COMMANDS, _parser
from slugfit.settings.keys import Key, keys_of
from slugfit.settings.load import load
from slugfit.settings.model import SECTIONS, CheckSettings, ConvertSettings, ModelSettings
from slugfit.stores.registry import CONFIG_VARS, STORES
from support.paths import REPOSITORY
from test_floor_plan import FLOOR, LIB

DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"
CONTRIBUTING = REPOSITORY / "CONTRIBUTING.md"
PAGES = {
    str(page.relative_to(REPOSITORY)): page.read_text()
    for page in (README, CONTRIBUTING, *sorted(DOCS.rglob("*.md")))
}
ALL = "\n".join(PAGES.values())
BOOT = (REPOSITORY / "lib/boot.sh").read_text()

MOST_README = 8 * 1024  # bytes: what fits a few screens
MOST_PICTURE = 200_000

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r'\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"')
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def subclasses(kind: type[Failure]) -> list[type[Failure]]:
    return [c for s in kind.__subclasses__() for c in (s, *subclasses(s))]


def blocks(language: str) -> list[str]:
    """What all pages show of a language; "" are commands and logs."""
    return [text for tongue, text in _BLOCK.findall(ALL) if tongue == language]


def anchors(markdown: str) -> set[str]:
    """Those that GitHub gives the headings of a page."""
    headings = _HEADING.findall(_BLOCK.sub("", markdown))
    return {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}


def whole(text: str) -> str:
    """The text, with whole checksums where it shows the first digits."""
    return re.sub(r"\b([0-9a-f]+)…", lambda found: f"{found[1]:0<64}", text)


def links(page: str) -> Iterator[str]:
    """All but those that lead to other sites."""
    for found in chain.from_iterable(_LINK.findall(_BLOCK.sub("", PAGES[page]))):
        if found and "://" not in found:
            yield found


def leads_nowhere(page: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
    return not file.exists() or (bool(anchor) and anchor not in anchors(file.read_text()))


def test_every_failure_has_its_heading_and_every_heading_its_failure() -> None:
    for module in walk_packages(slugfit.__path__, "slugfit."):
        import_module(module.name)
    ours = [c for c in subclasses(Failure) if c.__module__.startswith("slugfit.")]
    in_python = {c.id for c in ours if hasattr(c, "id")}
    in_bash = set(re.findall(r"\bboot::[a-z]+(?:-[a-z]+)+", BOOT))
    headings = re.findall(r"^## `(.+)`$", PAGES["docs/errors.md"], flags=re.MULTILINE)
    assert sorted(headings) == sorted(in_python | in_bash)


def test_a_link_leads_to_the_anchor_that_github_gives_the_heading() -> None:
    assert link("fetch::object-missing").endswith("/docs/errors.md#fetchobject-missing")
    assert "fetchobject-missing" in anchors(PAGES["docs/errors.md"])


def row_of(name: str, key: Key) -> str:
    """How the key's row begins in the table of the configuration."""
    var = f" `{key.var}` " if key.var else " "
    shown = key.default not in (None, [], {})
    return f"| `{name}` |{var}|" + (f" `{json.dumps(key.default)}` |" if shown else "")


def test_the_configuration_table_has_every_key_with_its_config_var_and_its_default() -> None:
    tables = {
        **SECTIONS,
        "models[]": ModelSettings,
        "check": CheckSettings,
        "convert": ConvertSettings,
    }
    keys = {
        f"{table}.{name}": key
        for table, settings in tables.items()
        for name, key in keys_of(settings).items()
    }
    page = PAGES["docs/configuration.md"]
    shown = re.findall(r"^\| `([\w.\[\]]+\.\w+)` \|", page, re.MULTILINE)
    assert sorted(shown) == sorted(keys)
    assert [row for row in map(row_of, keys, keys.values()) if f"\n{row}" not in page] == []


def test_every_store_is_documented_with_its_config_vars() -> None:
    names = [*(store.example for store in STORES), *(var.name for var in CONFIG_VARS)]
    assert [name for name in names if f"`{name}`" not in PAGES["docs/stores.md"]] == []


def test_every_command_is_shown() -> None:
    assert [name for name in COMMANDS if f"bin/slugfit {name}" not in ALL] == []


def command_lines() -> list[list[str]]:
    """The arguments of each bin/slugfit that a page shows."""
    lines = [line for text in (*blocks(""), *blocks("yaml")) for line in text.splitlines()]
    calls = [line.partition("bin/slugfit ")[2] for line in lines if "bin/slugfit " in line]
    return [shlex.split(whole(call), comments=True) for call in calls]


@pytest.mark.parametrize("arguments", command_lines(), ids=" ".join)
def test_commands_have_the_arguments_that_are_shown(arguments: list[str]) -> None:
    assert _parser(arguments).parse_args(arguments)


@pytest.mark.parametrize("text", blocks("toml"))
def test_examples_are_valid_configurations(text: str, tmp_path: Path) -> None:
    (tmp_path / "slugfit.toml").write_text(whole(text))
    assert load(tmp_path, {})


def test_examples_of_json_are_json() -> None:
    assert [json.loads(text) for text in blocks("json")]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_and_headings(page: str) -> None:
    assert [target for target in links(page) if leads_nowhere(page, target)] == []


def linked(page: str) -> set[str]:
    """The pages that a page links to."""
    folder = (REPOSITORY / page).parent
    paths = {(folder / link.partition("#")[0]).resolve() for link in links(page)}
    return {page for page in PAGES if REPOSITORY / page in paths}


def test_readme_leads_to_every_page() -> None:
    reached, new = {"README.md"}, {"README.md"}
    while new:
        new = set().union(*map(linked, new)) - reached
        reached |= new
    assert sorted(PAGES.keys() - reached) == []


def test_readme_is_short_and_its_pictures_are_small() -> None:
    assert README.stat().st_size <= MOST_README
    pictures = [target for target in links("README.md") if target.endswith(".png")]
    assert sorted(pictures) == ["docs/images/slug-dark.png", "docs/images/slug-light.png"]
    assert [p for p in pictures if (REPOSITORY / p).stat().st_size >= MOST_PICTURE] == []


def test_the_numbers_of_readmes_table_are_those_of_a_bench() -> None:
    cells = re.findall(r"\| ([\d.]+ (?:MB|s)) \| \*\*([\d.]+ (?:MB|s))\*\* \|", PAGES["README.md"])
    numbers = [*chain.from_iterable(cells)]
    assert len(numbers) == 8
    assert [n for n in numbers if f"| {n}" not in PAGES["docs/benchmarks.md"]] == []


@pytest.mark.parametrize(
    ("page", "line"),
    [("CONTRIBUTING.md", r"^\| `(\w+)/` \|"), ("docs/how-it-works.md", r"^(\w+) {2,}\S")],
)
def test_a_floor_plan_has_all_rooms_in_their_order(page: str, line: str) -> None:
    rooms = [name for name in re.findall(line, PAGES[page], flags=re.MULTILINE) if name in FLOOR]
    assert sorted(rooms) == sorted(FLOOR)
    assert rooms == sorted(rooms, key=FLOOR.__getitem__)


def test_the_paths_in_contributing_exist() -> None:
    # What begins with a dot is in a built app.
    named = re.findall(r"`(\w[\w./-]*/[\w.-]*)`", CONTRIBUTING.read_text())
    found = {n for n in named if (REPOSITORY / n).exists() or any(LIB.rglob(n.rstrip("/")))}
    assert named
    assert sorted({*named} - found) == []
