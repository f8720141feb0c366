"""A strip from beginning to end; what one build has found out, the next one knows."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slugfit.base.changes import Changes
from slugfit.settings.model import StripLevel, StripSettings
from slugfit.strip import Stripped
from slugfit.strip.decision_cache import DecisionCache
from slugfit.strip.engine import app_sources, carry_out, journal_of, plan_strip
from slugfit.strip.journal import Journal
from support.chance import chance
from support.packages import Site
from support.paths import REPOSITORY

FILES = {
    "p/__init__.py": "from . import core",
    "p/core.py": "",
    "p/tests/__init__.py": "",
    "p/tests/test_core.py": "from p import core",
    "p/tests/helper.py": "",
    "p/core.h": "int x;",
}
ALL_BUT_THE_REST = ["p/core.h", "p/tests/__init__.py", "p/tests/helper.py", "p/tests/test_core.py"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "build")
    site.install("p", FILES)
    return site


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def build(site: Site, cache: Path, settings: StripSettings | None = None) -> Stripped:
    """A whole strip, and what it leaves for the next one."""
    memory = DecisionCache(cache / "strip")
    settings = settings or StripSettings()
    planned = plan_strip(site.target, settings, memory)
    stripped = carry_out(planned, site.target, settings, memory, site.renew())
    changes = Changes(cache, cache / "removed")
    memory.save(changes)
    changes.keep()
    return stripped


def again(site: Site, tmp_path: Path, name: str) -> Site:
    """The same packages in another build's directory."""
    other = Site(tmp_path / name)
    for path, content in FILES.items():
        other.write(path, content)
    shutil.copytree(site.root / "p-1.0.dist-info", other.root / "p-1.0.dist-info")
    return other


def removed(stripped: Stripped) -> list[str]:
    return [removal.path for removal in stripped.done.removals]


def doctor(file: Path, change: Callable[[Any], None]) -> None:
    """Change what is remembered: whoever comes to the changed result has only remembered."""
    document = json.loads(gzip.decompress(file.read_bytes()))
    change(document)
    file.write_bytes(gzip.compress(json.dumps(document).encode()))


def test_the_next_build_of_the_same_packages_does_the_same(
    site: Site, cache: Path, tmp_path: Path
) -> None:
    packages = again(site, tmp_path, "next")
    first, second = build(site, cache), build(packages, cache)
    assert second == first
    assert removed(second) == ALL_BUT_THE_REST
    assert packages.files == site.files
    assert packages.untrue_rows() == []


def test_it_decides_nothing_anew(site: Site, cache: Path, tmp_path: Path) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    [decisions] = (cache / "strip").glob("decisions-*")
    doctor(decisions, lambda document: document["going"].pop("p/core.h"))
    assert "p/core.h" not in removed(build(packages, cache))


def test_it_imports_nothing_again(site: Site, cache: Path, tmp_path: Path) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    for verdict in (cache / "strip").glob("verdict-*"):
        doctor(verdict, lambda document: document.update(checked=["remembered"]))
    again_checked = build(packages, cache)
    assert (again_checked.checked, again_checked.started) == (("remembered",), ("remembered",))


@pytest.mark.parametrize(
    ("path", "content"),
    [("p/core.py", "from p.tests import helper"), ("q.py", "import p.tests.helper")],
)
def test_a_file_that_changes_is_seen(
    site: Site, cache: Path, tmp_path: Path, path: str, content: str
) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    packages.write(path, content)
    assert removed(build(packages, cache)) == ["p/core.h", "p/tests/test_core.py"]


def test_the_app_is_asked_every_time(site: Site, cache: Path, tmp_path: Path) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    (packages.app / "views.py").write_text("import p.tests.helper\n")
    memory = DecisionCache(cache / "strip")
    planned = plan_strip(packages.target, StripSettings(), memory)
    assert [r.path for r in planned.plan.removals] == ["p/core.h", "p/tests/test_core.py"]
    assert planned.kept["p/tests/helper.py"] == "imported by views.py of the app"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "web: python -m p.tests.helper\n"),
        ("app.json", '{"scripts": {"postdeploy": "python -m p.tests.helper"}}'),
        ("run.sh", "exec python -m p.tests.helper"),
    ],
)
def test_an_app_names_modules_in_its_commands_too(site: Site, name: str, text: str) -> None:
    (site.app / name).write_text(text)
    assert [r.path for r in site.plan().removals] == ["p/core.h", "p/tests/test_core.py"]


def test_other_settings_decide_anew(site: Site, cache: Path, tmp_path: Path) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    assert removed(build(packages, cache, StripSettings(keep=("p/tests",)))) == ["p/core.h"]


@pytest.mark.parametrize(
    ("file", "is_decisive"),
    [
        ("strip/candidates/rules.toml", True),
        ("base/globs.py", True),
        ("packages/distributions.py", True),
        ("report/log.py", False),
    ],
)
def test_another_engine_decides_anew(tmp_path: Path, file: str, is_decisive: bool) -> None:
    lib = Path(shutil.copytree(REPOSITORY / "lib/slugfit", tmp_path / "lib/slugfit"))
    (tmp_path / "site").mkdir()
    code = (
        "from pathlib import Path; from slugfit.strip.cache_key import tree_fingerprint as key;"
        "from slugfit.strip.site_tree import read_tree; print(key(read_tree(Path('site'))))"
    )
    command = [sys.executable, "-B", "-c", code]
    env = {"PYTHONPATH": str(lib.parent)}
    before = subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    with (lib / file).open("a") as opened:
        opened.write("# Another one.\n")
    after = subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    assert (after.stdout != before.stdout) is is_decisive


def test_a_damaged_memory_is_none(site: Site, cache: Path, tmp_path: Path) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    for file in (cache / "strip").iterdir():
        file.write_bytes(b"\x1f\x8bdamaged")
    assert removed(build(packages, cache)) == ALL_BUT_THE_REST


def test_what_is_of_no_use_any_more_is_forgotten(site: Site, cache: Path, tmp_path: Path) -> None:
    packages = again(site, tmp_path, "next")
    build(site, cache)
    before = set((cache / "strip").iterdir())
    packages.write("p/core.py", "1")
    build(packages, cache)
    after = set((cache / "strip").iterdir())
    assert before.isdisjoint(after)
    assert len(after) == len(before)


@pytest.mark.parametrize(
    ("level", "user", "goes"),
    [
        ("safe", "", False),
        ("max", "NAME = 'clang.cindex'", True),
        ("max", "import clang.cindex", False),
        ("max", "try:\n    import clang.cindex\nexcept ImportError:\n    pass", True),
    ],
)
def test_what_level_max_lists_goes_unless_it_is_imported(
    site: Site, level: StripLevel, user: str, goes: bool
) -> None:
    site.install("libclang", {"clang/__init__.py": "", "clang/cindex.py": ""})
    site.install("user", {"user/__init__.py": user})
    going = {r.path for r in site.plan(StripSettings(level=level)).removals}
    assert ({"clang/__init__.py", "clang/cindex.py"} <= going) is goes


def test_files_that_are_there_twice_become_links_at_level_max(site: Site, cache: Path) -> None:
    twins = {f"data/{name}.bin": chance(1).randbytes(70_000) for name in ("a", "b")}
    site.install("data", {"data/__init__.py": "", **twins})
    done = build(site, cache, StripSettings(level="max")).done
    assert [(link.path, link.target) for link in done.linkings] == [("data/b.bin", "data/a.bin")]
    assert (site.root / "data/b.bin").read_bytes() == twins["data/b.bin"]
    assert site.untrue_rows() == []


def test_the_journal_tells_what_was_done_and_what_was_kept(site: Site, cache: Path) -> None:
    site.write("p/__init__.py", "from .tests import helper")
    memory = DecisionCache(cache / "strip")
    settings = StripSettings()
    planned = plan_strip(site.target, settings, memory)
    stripped = carry_out(planned, site.target, settings, memory, site.changes)
    assert journal_of(planned, stripped, "lib") == Journal(
        site="lib",
        removed={"p/core.h": "C headers", "p/tests/test_core.py": "tests"},
        kept={
            "p/tests/__init__.py": "imported by p/__init__.py",
            "p/tests/helper.py": "imported by p/__init__.py",
        },
        gone={"p/core.h": 6, "p/tests/test_core.py": 18},
    )


def test_the_apps_own_files_are_all_but_hidden_ones(tmp_path: Path) -> None:
    names = ("a/c.py", ".git/x.py", ".heroku/y.py", "b.py", "a.py", "b.txt", "a/.d/e.py", "B.PY")
    for name in (*names, ".hidden.py", "Procfile"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "large.json").write_bytes(bytes(200_000))
    (tmp_path / "broken.toml").symlink_to("nowhere")
    found = [source.label.removesuffix(" of the app") for source in app_sources(tmp_path)]
    assert found == [".hidden.py", "Procfile", "a.py", "b.py", "a/c.py"]
    assert list(app_sources(None)) == []
