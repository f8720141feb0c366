"""Strips of small but real packages, imported by a real Python."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.settings.model import StripSettings
from slugfit.strip import Proof, Restored, Stripped, strip
from slugfit.strip.engine import app_sources
from slugfit.strip.strip_plan import Removal, StripPlan
from support.packages import INSTALLED, Site
from support.snapshot import snapshot

# Opens a file of its documentation by a name that no analysis of the text can see.
OPENS_DOCS = """\
from pathlib import Path
_NAME = "".join(map(chr, (116, 101, 114, 109, 115))) + "." + "txt"
TERMS = (Path(__file__).parent / ("do" + "cs") / _NAME).read_text()
"""
# Imports other.tests.helper, as nothing in the text tells.
NEEDS_OTHER = """\
import importlib
importlib.import_module(bytes(c ^ 1 for c in b"nuids/udrur/idmqds").decode())
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def paths(stripped: Stripped) -> list[str]:
    return [removal.path for removal in stripped.done.removals]


def install_plain(site: Site, name: str = "plain") -> str:
    files = {
        f"{name}/__init__.py": "from . import core",
        f"{name}/core.py": "",
        f"{name}/tests/__init__.py": "",
        f"{name}/tests/test_core.py": f"from {name} import core",
        f"{name}/docs/index.rst": "Read me",
        f"{name}/include/core.h": "int x;",
    }
    compiled = [path for path in files if path.endswith(".py")]
    return site.install(name, files, compiled=compiled)


def test_tests_docs_headers_and_their_bytecode_go(site: Site) -> None:
    install_plain(site)
    pyc = f"{sys.implementation.cache_tag}.pyc"
    sizes = {path: (site.root / path).stat().st_size for path in site.files}
    expected = [
        ("plain/docs/index.rst", "documentation"),
        ("plain/include/core.h", "C headers"),
        ("plain/tests/__init__.py", "tests"),
        (f"plain/tests/__pycache__/__init__.{pyc}", "tests"),
        (f"plain/tests/__pycache__/test_core.{pyc}", "tests"),
        ("plain/tests/test_core.py", "tests"),
    ]
    assert site.strip() == Stripped(
        StripPlan(tuple(Removal(path, sizes[path], kind, "plain") for path, kind in expected)),
        restored=(),
        checked=("plain",),
    )
    assert site.files == [
        "plain/__init__.py",
        f"plain/__pycache__/__init__.{pyc}",
        f"plain/__pycache__/core.{pyc}",
        "plain/core.py",
    ]
    assert site.untrue_rows() == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import kept.tests.helper", id="absolute"),
        pytest.param("from kept.tests import helper", id="from absolute"),
        pytest.param("from .tests import helper", id="relative"),
        pytest.param("from .tests.helper import x", id="relative module"),
        pytest.param("from .tests import *\nhelper.x", id="star"),
        pytest.param(
            "import importlib\nimportlib.import_module('kept.tests.helper')", id="import_module"
        ),
        pytest.param(
            "import importlib\nimportlib.import_module('.tests.helper', 'kept')",
            id="relative import_module",
        ),
        pytest.param(
            "import importlib\n_LAZY = {'helper': 'tests.helper'}\n"
            "def __getattr__(name):\n"
            "    return importlib.import_module('kept.' + _LAZY[name])\n",
            id="lazy table",
        ),
    ],
)
def test_tests_that_retained_code_imports_stay(site: Site, source: str) -> None:
    site.install(
        "kept",
        {
            "kept/__init__.py": source,
            "kept/tests/__init__.py": "__all__ = ['helper']",
            "kept/tests/helper.py": "x = 1",
            "kept/tests/test_it.py": "",
        },
    )
    stripped = site.strip()
    assert paths(stripped) == ["kept/tests/test_it.py"]
    assert stripped.restored == ()
    said = _python(site, "import kept; kept.helper" if "_LAZY" in source else "import kept")
    assert said == ""


def test_tests_that_the_app_imports_stay(site: Site) -> None:
    install_plain(site)
    (site.app / "jobs").mkdir()
    (site.app / "jobs/nightly.py").write_text("from plain.tests import test_core")
    assert "plain/tests/test_core.py" not in paths(site.strip())
    assert _python(site, "from plain.tests import test_core") == ""


def test_the_bytecode_of_tests_that_stay_stays_too(site: Site) -> None:
    site.install(
        "kept",
        {
            "kept/__init__.py": "from .tests import helper",
            "kept/tests/__init__.py": "",
            "kept/tests/helper.py": "",
            "kept/tests/test_it.py": "",
        },
        compiled=["kept/tests/__init__.py", "kept/tests/helper.py", "kept/tests/test_it.py"],
    )
    tag = sys.implementation.cache_tag
    # Without it, every start of a dyno would compile these sources again.
    assert paths(site.strip()) == [
        f"kept/tests/__pycache__/test_it.{tag}.pyc",
        "kept/tests/test_it.py",
    ]


def test_a_package_that_reads_its_documentation_at_import_is_put_back_whole(site: Site) -> None:
    install_plain(site)
    site.install(
        "curious",
        {
            "curious/__init__.py": OPENS_DOCS,
            "curious/docs/terms.txt": "terms",
            "curious/docs/other.txt": "",
            "curious/tests/test_it.py": "",
        },
    )
    before = snapshot(site.root / "curious")
    stripped = site.strip()
    assert stripped.restored == (Restored("curious", "import curious", _missing(site)),)
    assert {removal.distribution for removal in stripped.done.removals} == {"plain"}
    assert stripped.checked == ("curious", "plain")
    assert snapshot(site.root / "curious") == before
    assert not (site.root / "plain/tests").exists()
    assert site.untrue_rows() == []
    assert _python(site, "import curious, plain") == ""


def _missing(site: Site) -> str:
    path = site.root / "curious/docs/terms.txt"
    return f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"


def test_a_blind_module_that_no_longer_imports_is_as_good_a_reason(site: Site) -> None:
    install_plain(site)
    files = {"curious/__init__.py": "", "curious/deep.py": OPENS_DOCS, "curious/docs/terms.txt": ""}
    site.install("curious", files)
    stripped = site.strip(None, "curious.deep")
    assert stripped.restored == (Restored("curious", "import curious.deep", _missing(site)),)
    assert {removal.distribution for removal in stripped.done.removals} == {"plain"}


def test_a_blind_module_of_a_package_that_lost_nothing_is_tried_as_well(site: Site) -> None:
    install_other(site)
    site.install("needy", {"needy/__init__.py": "", "needy/deep.py": NEEDS_OTHER})
    stripped = site.strip(None, "needy.deep", "needy.gone")
    assert [(r.distribution, r.failed) for r in stripped.restored] == [
        ("other", "import needy.deep")
    ]
    assert stripped.checked == ("needy", "other")


def test_a_module_that_fails_only_after_another_one_is_no_regression(site: Site) -> None:
    files = {
        "p/__init__.py": "",
        "p/a.py": "import sys\nsys.modules['p.q'] = 1",
        "p/b.py": "from p.q import x",
        "p/q.py": "x = 1",
        "p/docs/a.rst": "",
    }
    site.install("p", files)
    stripped = site.strip(None, "p.a", "p.b")
    assert stripped.restored == ()
    assert paths(stripped) == ["p/docs/a.rst"]


def test_a_package_that_never_imported_stays_stripped(site: Site) -> None:
    site.install("broken", {"broken/__init__.py": "import no_such", "broken/tests/a.py": ""})
    install_plain(site)
    stripped = site.strip()
    assert "broken/tests/a.py" in paths(stripped)
    assert stripped.restored == ()
    assert stripped.checked == ("broken", "plain")
    assert site.files[0] == "broken/__init__.py"
    assert site.untrue_rows() == []


def test_a_package_that_never_imported_stays_stripped_beside_one_that_is_put_back(
    site: Site,
) -> None:
    site.install("broken", {"broken/__init__.py": "import no_such", "broken/tests/a.py": ""})
    files = {"curious/__init__.py": OPENS_DOCS, "curious/docs/terms.txt": ""}
    site.install("curious", files)
    stripped = site.strip()
    assert paths(stripped) == ["broken/tests/a.py"]
    assert [restored.distribution for restored in stripped.restored] == ["curious"]


def install_other(site: Site) -> None:
    files = ("other/__init__.py", "other/tests/__init__.py", "other/tests/helper.py")
    site.install("other", {**dict.fromkeys(files, ""), "other/tests/test_it.py": ""})


def test_what_could_not_be_tried_in_time_is_put_back_and_what_could_is_not(site: Site) -> None:
    install_plain(site)
    site.install("slow", {"slow/__init__.py": "import time; time.sleep(60)", "slow/docs/a.rst": ""})
    before = snapshot(site.root / "slow")
    interpreter = replace(site.interpreter, until=time.monotonic() + 5)
    stripped = strip(site.root, site.plan(), site.changes, Proof(interpreter))
    assert stripped.restored == (
        Restored("slow", "import slow", "there was no time left to verify it"),
    )
    assert snapshot(site.root / "slow") == before
    assert not (site.root / "plain/tests").exists()
    assert site.untrue_rows() == []


def test_without_any_time_everything_stays(site: Site) -> None:
    install_plain(site)
    install_plain(site, "other")
    before = snapshot(site.root)
    stripped = strip(
        site.root, site.plan(), site.changes, Proof(replace(site.interpreter, until=0.0))
    )
    assert [entry.distribution for entry in stripped.restored] == ["other", "plain"]
    assert stripped.done == StripPlan()
    site.changes.keep()
    assert snapshot(site.root) == before


def test_when_a_package_needs_a_file_of_another_one_that_one_is_put_back(site: Site) -> None:
    for name in ("aplain", "plain", "zplain"):
        install_plain(site, name)
    install_other(site)
    site.install("needy", {"needy/__init__.py": NEEDS_OTHER, "needy/docs/a.rst": ""})
    before = snapshot(site.root / "other")
    stripped = site.strip()
    said = "ModuleNotFoundError: No module named 'other.tests'"
    assert stripped.restored == (Restored("other", "import needy", said),)
    assert stripped.checked == ("aplain", "needy", "other", "plain", "zplain")
    assert snapshot(site.root / "other") == before
    assert not (site.root / "needy/docs").exists()
    assert not (site.root / "zplain/tests").exists()
    assert site.untrue_rows() == []
    assert _python(site, "import needy") == ""


def test_what_an_import_writes_beside_its_code_does_not_get_into_the_slug(site: Site) -> None:
    writes = "from pathlib import Path\nhere = Path(__file__).parent / 'cache'\n"
    writes += "here.mkdir(exist_ok=True)\n(here / 'seen.json').write_text('1')\n"
    site.install("writer", {"writer/__init__.py": writes, "writer/tests/test_a.py": ""})
    site.install("needy", {"needy/__init__.py": OPENS_DOCS, "needy/docs/terms.txt": ""})
    stripped = site.strip()
    assert [restored.distribution for restored in stripped.restored] == ["needy"]
    assert site.files == ["needy/__init__.py", "needy/docs/terms.txt", "writer/__init__.py"]


def test_what_the_start_puts_back_stays_where_the_app_lies_around_its_packages(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    files = {"pack/__init__.py": "", "pack/a.py": OPENS_DOCS, "pack/docs/terms.txt": ""}
    site.install("pack", files)
    app = site.root.parent
    (app / "app.py").write_text("import pack.a")
    (app / "Procfile").write_text("web: gunicorn app:app")
    proof = Proof(site.interpreter, app=app)
    stripped = strip(site.root, site.plan(), site.changes, proof)
    assert [restored.failed for restored in stripped.restored] == ["import app"]
    assert (site.root / "pack/docs/terms.txt").exists()


def test_a_package_that_needs_two_others_gets_both(site: Site) -> None:
    for name in ("one", "two", "three", "four"):
        files = {f"{name}/__init__.py": "", f"{name}/docs/terms.txt": "", f"{name}/tests/a.py": ""}
        site.install(name, files)
    source = OPENS_DOCS.replace("__file__).parent", "__file__).parents[1] / 'one'")
    source += source.replace("'one'", "'three'")
    site.install("needy", {"needy/__init__.py": source, "needy/tests/a.py": ""})
    stripped = site.strip()
    assert [restored.distribution for restored in stripped.restored] == ["one", "three"]
    assert _python(site, "import needy") == ""


def test_a_package_of_two_distributions_is_put_back_and_others_are_not(site: Site) -> None:
    install_plain(site)
    site.install("one", {"shared/__init__.py": OPENS_DOCS, "shared/docs/terms.txt": ""})
    site.install("two", {"shared/more.py": "", "shared/tests/test_more.py": ""})
    stripped = site.strip()
    assert {restored.failed for restored in stripped.restored} == {"import shared"}
    assert (site.root / "shared/docs/terms.txt").exists()
    assert {removal.distribution for removal in stripped.done.removals} >= {"plain"}
    assert site.untrue_rows() == []


def test_a_namespace_package_is_stripped_by_its_parts(site: Site) -> None:
    for part, source in (("maps", ""), ("mail", OPENS_DOCS)):
        site.install(
            f"acme-{part}",
            {
                f"acme/{part}/__init__.py": source,
                f"acme/{part}/tests/test_it.py": "",
                f"acme/{part}/docs/terms.txt": "",
            },
        )
    stripped = site.strip()
    assert paths(stripped) == ["acme/maps/docs/terms.txt", "acme/maps/tests/test_it.py"]
    assert {removal.distribution for removal in stripped.done.removals} == {"acme-maps"}
    (restored,) = stripped.restored
    assert (restored.distribution, restored.failed) == ("acme-mail", "import acme.mail")
    assert stripped.checked == ("acme-mail", "acme-maps")


def test_keep_keeps_and_remove_removes(site: Site) -> None:
    files = {"p/__init__.py": "", "p/extra.py": "", "p/include/a.h": "", "p/docs/a.rst": ""}
    site.install("p", files, compiled=["p/extra.py"])
    settings = StripSettings(keep=("p/docs",), remove=("p/extra.py", "p/**/*.h"))
    stripped = site.strip(settings)
    assert {removal.path: removal.category for removal in stripped.done.removals} == {
        "p/extra.py": "requested by strip.remove",
        "p/include/a.h": "requested by strip.remove",
        f"p/__pycache__/extra.{sys.implementation.cache_tag}.pyc": "bytecode of removed sources",
    }
    assert site.files == ["p/__init__.py", "p/docs/a.rst"]
    assert site.untrue_rows() == []


def test_keep_and_remove_reach_into_hidden_directories(site: Site) -> None:
    hidden = ("pkg/.libs/tests/test_a.py", "pkg/.libs/tests/test_b.py", "pkg/.docs/a.bin")
    site.install("pkg", {"pkg/__init__.py": "", **dict.fromkeys(hidden, "")})
    stripped = site.strip(StripSettings(keep=("**/test_a.py",), remove=("pkg/*/*.bin",)))
    assert paths(stripped) == ["pkg/.docs/a.bin", "pkg/.libs/tests/test_b.py"]
    assert site.files == ["pkg/.libs/tests/test_a.py", "pkg/__init__.py"]


@pytest.mark.parametrize(
    ("glob", "path", "is_kept"),
    [
        ("p/tests/*", "p/tests/.a", True),
        ("p/tests/a", "p/tests/a\nb", False),
        ("p/tests/a*b", "p/tests/a\nb", True),
        ("p/tests/[[]x]", "p/tests/[x]", True),
        ("./p//tests/a", "p/tests/a", True),
        ("p/tests/", "p/tests/a", True),
        ("p/tests/a/", "p/tests/a", False),
        ("P/tests", "p/tests/a", False),
        ("p/tests/a?", "p/tests/a\udcff", True),
    ],
)
def test_any_name_is_kept_by_a_glob_that_matches_it(
    site: Site, glob: str, path: str, is_kept: bool
) -> None:
    site.install("p", {"p/__init__.py": "", path: ""})
    assert paths(site.strip(StripSettings(keep=(glob,)))) == ([] if is_kept else [path])


def test_remove_goes_over_what_imports_it_and_the_gate_puts_it_back(site: Site) -> None:
    install_plain(site)
    stripped = site.strip(StripSettings(remove=("plain/core.py",)))
    assert stripped.done.removals == ()
    assert [restored.distribution for restored in stripped.restored] == ["plain"]
    assert _python(site, "import plain") == ""


def test_licences_stay_where_everything_around_them_goes(site: Site) -> None:
    site.install(
        "p", {"p/__init__.py": "", "p/tests/LICENSE": "MIT", "p/tests/data/a": "", "p/tests/b": ""}
    )
    site.strip()
    assert site.files == ["p/__init__.py", "p/tests/LICENSE"]


def test_metadata_still_answers(site: Site) -> None:
    info = install_plain(site)
    metadata = snapshot(site.root / info)
    site.strip()
    after = snapshot(site.root / info)
    assert after.keys() == metadata.keys()
    assert after["METADATA"] == metadata["METADATA"]
    (found,) = importlib.metadata.distributions(name="plain", path=[str(site.root)])
    assert found.version == "1.0"
    listed = [file for file in found.files or [] if "__pycache__" not in str(file)]
    assert sorted(map(str, listed)) == [
        f"{info}/METADATA",
        f"{info}/RECORD",
        "plain/__init__.py",
        "plain/core.py",
    ]


@pytest.mark.parametrize("curious", [False, True])
def test_the_hard_linked_cache_of_heroku_python_is_not_touched(
    site: Site, tmp_path: Path, curious: bool
) -> None:
    install_plain(site)
    if curious:
        files = {"curious/__init__.py": OPENS_DOCS, "curious/docs/terms.txt": ""}
        site.install("curious", files)
    cache = tmp_path / "cache"
    shutil.copytree(site.root, cache, copy_function=os.link)
    before = snapshot(cache)
    assert bool(site.strip().restored) == curious
    site.changes.keep()
    assert snapshot(cache) == before
    assert not (site.root / "plain/tests").exists()


def test_what_stays_keeps_its_bytes_its_time_and_its_place_on_the_disk(site: Site) -> None:
    info = install_plain(site)
    before = {path: (site.root / path).stat() for path in site.files}
    site.strip()
    for path in site.files:
        status = (site.root / path).stat()
        assert (status.st_ino, status.st_mtime) == (before[path].st_ino, INSTALLED)
    assert (site.root / info / "METADATA").stat().st_mtime == INSTALLED


def test_a_stripped_tree_has_nothing_left_to_remove(site: Site) -> None:
    install_plain(site)
    site.strip()
    site.changes.keep()
    before = snapshot(site.root)
    site.renew()
    assert site.strip() == Stripped()
    assert snapshot(site.root) == before


@pytest.mark.parametrize("curious", [False, True])
def test_undone_the_tree_is_as_it_was(site: Site, curious: bool) -> None:
    install_plain(site)
    if curious:
        files = {"curious/__init__.py": OPENS_DOCS, "curious/docs/terms.txt": ""}
        site.install("curious", files)
    before = snapshot(site.app)
    site.strip()
    assert snapshot(site.root) != {}
    site.changes.undo()
    before.pop(".slugfit")
    assert snapshot(site.app) == before


def test_planning_changes_nothing(site: Site) -> None:
    install_plain(site)
    before = snapshot(site.app)
    assert site.plan() != StripPlan()
    assert snapshot(site.app) == before


def test_two_plans_of_one_tree_are_equal_and_sorted(site: Site) -> None:
    install_plain(site, "b")
    install_plain(site, "a")
    first, second = site.plan(), site.plan()
    assert first == second
    assert [r.path for r in first.removals] == sorted(r.path for r in first.removals)


def test_without_site_packages_there_is_nothing_to_do(tmp_path: Path) -> None:
    site = Site(tmp_path)
    shutil.rmtree(site.root)
    assert site.plan() == StripPlan()
    assert strip(site.root, StripPlan(), site.changes, Proof(site.interpreter)) == Stripped()


def test_files_of_no_package_go_without_an_import(site: Site) -> None:
    site.install("headers", {"include/x.h": "", "stray.h": ""})
    stripped = site.strip()
    assert paths(stripped) == ["include/x.h", "stray.h"]
    assert stripped.checked == ()


def test_the_sizes_of_links_are_their_own(site: Site) -> None:
    site.install("p", {"p/__init__.py": "", "p/docs/a.txt": "x" * 1000})
    (site.root / "p/docs/link.txt").symlink_to("a.txt")
    sizes = {removal.path: removal.bytes for removal in site.strip().done.removals}
    assert sizes == {"p/docs/a.txt": 1000, "p/docs/link.txt": len("a.txt")}


def test_the_apps_sources_are_its_own_and_no_others(tmp_path: Path) -> None:
    names = ("b.py", "a.py", "a/c.py", "a/c.txt", ".heroku/x.py", ".hidden.py", "a/.git/y.py")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [source.label.removesuffix(" of the app") for source in app_sources(tmp_path)]
    assert found == [".hidden.py", "a.py", "b.py", "a/c.py"]


def _python(site: Site, code: str) -> str:
    """What a fresh Python says on stderr to `code` with the site's packages."""
    child = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={"PYTHONPATH": str(site.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return child.stderr
