"""Bytecode that nothing reads at a start goes where that is wanted; sourceless code never does."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.base.globs import matcher
from slugfit.settings.model import Bytecode, StripSettings
from slugfit.strip import Proof, Stripped, strip
from slugfit.strip.site_tree import read_tree
from slugfit.strip.strip_plan import StripPlan
from slugfit.strip.trials.bytecode import dispensable, observing
from slugfit.strip.trials.trial import Trial
from support.packages import INSTALLED, Site
from support.snapshot import snapshot

TAG = sys.implementation.cache_tag


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose package has a module that is imported at once, lazily, and never."""
    site = Site(tmp_path)
    install(site, "p")
    (site.app / "app.py").write_text("import p")
    (site.app / "Procfile").write_text("web: gunicorn app:app\n")
    return site


def install(site: Site, name: str) -> None:
    files = {
        f"{name}/__init__.py": f"import importlib\nimportlib.import_module('{name}.lazy')",
        f"{name}/lazy.py": "from . import deep",
        f"{name}/deep.py": "",
        f"{name}/never.py": "",
    }
    site.install(name, files, compiled=files)


def pyc(*modules: str) -> list[str]:
    split = (module.rpartition("/") for module in modules)
    return sorted(f"{above}{slash}__pycache__/{name}.{TAG}.pyc" for above, slash, name in split)


def bytecode_in(site: Site) -> list[str]:
    return [path for path in site.files if path.endswith(".pyc")]


def strip_to(site: Site, bytecode: Bytecode, smoke: str | None = None, *keep: str) -> Stripped:
    return site.strip(StripSettings(bytecode=bytecode, smoke=smoke, keep=keep))


def test_by_default_all_of_it_stays(site: Site) -> None:
    before = snapshot(site.root)
    assert strip_to(site, "keep").done == StripPlan()
    assert snapshot(site.root) == before


def test_dropped_it_is_gone_from_the_disk_and_from_record(site: Site) -> None:
    sizes = {path: (site.root / path).stat().st_size for path in bytecode_in(site)}
    stripped = strip_to(site, "drop")
    assert bytecode_in(site) == []
    assert [(r.path, r.bytes, r.category, r.distribution) for r in stripped.done.removals] == [
        (path, size, "bytecode", "p") for path, size in sorted(sizes.items())
    ]
    assert site.untrue_rows() == []
    assert (site.root / "p/deep.py").stat().st_mtime == INSTALLED


def test_at_boot_what_the_apps_start_imports_keeps_its_bytecode(site: Site) -> None:
    stripped = strip_to(site, "boot")
    # importlib.import_module counts as well.
    assert bytecode_in(site) == pyc("p/__init__", "p/deep", "p/lazy")
    assert [(r.path, r.category) for r in stripped.done.removals] == [
        (*pyc("p/never"), "bytecode not needed at boot")
    ]
    assert stripped.started == ("import app",)
    assert stripped.unseen == ""
    assert site.untrue_rows() == []


def test_the_start_and_the_smoke_run_count_together(site: Site) -> None:
    install(site, "q")
    # Another process, whose output nobody sees, and which ends as no program should.
    code = "import os, q.never; os._exit(0)"
    stripped = strip_to(site, "boot", f'python -c "{code}" >/dev/null 2>&1')
    kept = ("p/__init__", "p/deep", "p/lazy", "q/__init__", "q/deep", "q/lazy", "q/never")
    assert bytecode_in(site) == pyc(*kept)
    assert stripped.started == ("import app", "strip.smoke")


def test_a_start_that_fails_has_not_shown_what_it_reads_and_all_of_it_stays(site: Site) -> None:
    (site.app / "app.py").write_text("import p, os\nos.environ['SECRET_KEY']")
    stripped = strip_to(site, "boot")
    assert stripped.unseen == "import app fails: KeyError: 'SECRET_KEY'"
    assert stripped.done == StripPlan()
    assert len(bytecode_in(site)) == 4


def test_a_smoke_run_can_show_it_instead(site: Site) -> None:
    (site.app / "app.py").write_text("import os\nos.environ['SECRET_KEY']")
    stripped = strip_to(site, "boot", "python -c 'import p.deep'")
    assert stripped.unseen == ""
    assert bytecode_in(site) == pyc("p/__init__", "p/deep", "p/lazy")


def test_a_smoke_run_that_reads_no_bytecode_shows_nothing(site: Site) -> None:
    (site.app / "app.py").write_text("import os\nos.environ['SECRET_KEY']")
    assert strip_to(site, "boot", "true").unseen != ""
    assert len(bytecode_in(site)) == 4


@pytest.mark.parametrize("has_app", [True, False])
def test_without_a_start_all_of_it_stays(site: Site, has_app: bool) -> None:
    (site.app / "Procfile").unlink()
    (site.app / "app.py").unlink()
    proof = Proof(site.interpreter, StripSettings(bytecode="boot"), site.app if has_app else None)
    stripped = strip(site.root, StripPlan(), site.changes, proof)
    assert stripped.unseen == (
        "neither a Procfile nor a Python file says what the app starts with"
        if has_app
        else "there is no app whose start could be seen"
    )
    assert len(bytecode_in(site)) == 4


def test_an_optional_import_of_a_script_may_fail(site: Site) -> None:
    (site.app / "app.py").write_text(
        "try:\n    import uvloop\nexcept ImportError:\n    pass\nimport p"
    )
    (site.app / "Procfile").write_text("worker: python app.py\n")
    assert strip_to(site, "boot").unseen == ""
    assert bytecode_in(site) == pyc("p/__init__", "p/deep", "p/lazy")


def test_a_server_keeps_all_of_its_bytecode(site: Site) -> None:
    files = {"gunicorn/__init__.py": "", "gunicorn/wsgi.py": "", "gunicorn/workers.py": ""}
    site.install("gunicorn", files, compiled=files)
    entries = "[console_scripts]\ngunicorn = gunicorn.wsgi:run\n"
    site.write("gunicorn-1.0.dist-info/entry_points.txt", entries)
    stripped = strip_to(site, "boot")
    assert stripped.started == ("import app", "import gunicorn.wsgi")
    assert [path for path in bytecode_in(site) if "gunicorn" in path] == pyc(
        "gunicorn/__init__", "gunicorn/wsgi", "gunicorn/workers"
    )


@pytest.mark.parametrize("bytecode", ["drop", "boot"])
def test_what_was_put_back_whole_keeps_its_bytecode(site: Site, bytecode: Bytecode) -> None:
    settings = StripSettings(bytecode=bytecode, remove=("p/lazy.py",))
    stripped = site.strip(settings)
    assert [restored.distribution for restored in stripped.restored] == ["p"]
    assert stripped.done == StripPlan()
    assert len(bytecode_in(site)) == 4
    assert site.untrue_rows() == []


def test_keep_keeps_it(site: Site) -> None:
    strip_to(site, "drop", None, "p/__pycache__/never.*", "p/never.py")
    assert bytecode_in(site) == pyc("p/never")


def test_a_second_strip_has_nothing_left_to_remove(site: Site) -> None:
    strip_to(site, "boot")
    site.changes.keep()
    before = snapshot(site.root)
    site.renew()
    assert strip_to(site, "boot").done == StripPlan()
    assert snapshot(site.root) == before


def test_undone_all_of_it_is_back(site: Site) -> None:
    before = snapshot(site.root)
    strip_to(site, "drop")
    site.changes.undo()
    assert snapshot(site.root) == before


def test_bytecode_without_its_source_is_code(tmp_path: Path) -> None:
    site = Site(tmp_path)
    paths = (
        "p/a.py",
        "p/__pycache__/a.cpython-39.pyc",
        "p/__pycache__/a.cpython-311.opt-1.pyc",
        "p/__pycache__/a.cpython-311.pyc",
        "p/__pycache__/gone.cpython-311.pyc",
        "p/__pycache__/a.txt",
        "p/sourceless.pyc",
        "p/a.pyc",
        "six.py",
        "__pycache__/six.cpython-311.pyc",
    )
    for path in paths:
        site.write(path)
    needed = {"p/__pycache__/a.cpython-311.pyc"}
    assert dispensable(read_tree(site.root).files, needed, matcher(["__pycache__"])) == [
        "p/__pycache__/a.cpython-311.opt-1.pyc",
        "p/__pycache__/a.cpython-39.pyc",
    ]
    assert "__pycache__/six.cpython-311.pyc" in dispensable(
        read_tree(site.root).files, needed, matcher([])
    )


def heard(site: Site, code: str, env: dict[str, str] | None = None) -> list[str]:
    """The bytecode of `site` that a Python reads while it runs `code`."""
    with observing() as observer:
        given = {"PYTHONPATH": str(site.root), **(env or {})}
        argv = [sys.executable, "-B", "-c", code]
        child = subprocess.run(
            argv, env=observer.watch(given), capture_output=True, text=True, check=False
        )
        assert child.stderr == ""
        return sorted(observer.heard(site.root))


def test_bytecode_is_heard_of_through_links_to_the_site(site: Site, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(site.root)
    assert heard(site, "import p.never", {"PYTHONPATH": str(link)}) == pyc(
        "p/__init__", "p/deep", "p/lazy", "p/never"
    )


def test_what_lies_elsewhere_is_not_heard_of(site: Site) -> None:
    assert heard(site, "import json, unittest") == []


def test_the_sitecustomize_of_the_app_is_imported_all_the_same(site: Site, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/sitecustomize.py").write_text("import p\nMARK = 'own'")
    path = f"{tmp_path / 'own'}{os.pathsep}{site.root}"
    code = (
        "import sitecustomize, sys; assert sitecustomize.MARK == 'own'; assert 'p' in sys.modules"
    )
    assert heard(site, code, {"PYTHONPATH": path}) == pyc("p/__init__", "p/deep", "p/lazy")


def test_an_observed_python_looks_where_any_other_one_does(site: Site) -> None:
    plain = {"PYTHONPATH": str(site.root)}
    with observing() as observer:
        said = [
            subprocess.run(
                [sys.executable, "-c", "import sys; print(sys.path)"],
                env=env,
                capture_output=True,
                check=True,
            ).stdout
            for env in (plain, observer.watch(plain))
        ]
    assert said[0] == said[1]


def test_an_interpreter_that_is_observed_is_heard_of_even_when_it_is_killed(site: Site) -> None:
    with observing() as observer:
        interpreter = replace(site.interpreter, env=observer.watch(site.interpreter.env))
        crash = Trial("crash", "import p, os; os.abort()")
        assert not interpreter.answers([crash])[crash].ok
        assert sorted(observer.heard(site.root)) == pyc("p/__init__", "p/deep", "p/lazy")
