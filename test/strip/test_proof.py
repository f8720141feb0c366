"""A strip is proved by the start of the app as well, and what is known is not proved again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slugfit.settings.model import StripSettings
from slugfit.strip import Proof, Restored, Stripped, Verdict, Verdicts, strip
from slugfit.strip.strip_plan import StripPlan
from slugfit.strip.trials.trial import AppInterpreter
from slugfit.strip.trials.trial_verdict import NOT_WATCHED
from support.packages import Site
from support.snapshot import snapshot

# Opens docs/terms.txt of a package by a name that no analysis of the text can see.
_READS_TERMS = """\
import one, pathlib, three, two
name = bytes(c ^ 1 for c in b"enbr.udslr/uyu").decode()
(pathlib.Path(two.__file__).parent / name).read_text()
"""
NOBODY = AppInterpreter(Path("/no/such/python"), {})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with three packages, and an app that reads the documentation of one of them."""
    site = Site(tmp_path)
    for name in ("one", "two", "three"):
        site.install(name, {f"{name}/__init__.py": "", f"{name}/docs/terms.txt": name})
    (site.app / "shop.py").write_text(_READS_TERMS)
    (site.app / "Procfile").write_text("web: gunicorn shop:app\n")
    return site


def prove(site: Site, plan: StripPlan | None = None, **given: Any) -> Stripped:
    proof = replace(Proof(site.interpreter, app=site.app), **given)
    return strip(site.root, site.plan() if plan is None else plan, site.changes, proof)


def said(site: Site) -> str:
    path = site.root / "two/docs/terms.txt"
    return f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"


def test_what_the_apps_start_misses_is_put_back_and_no_more(site: Site) -> None:
    before = snapshot(site.root / "two")
    stripped = prove(site)
    assert stripped.restored == (Restored("two", "import shop", said(site)),)
    assert stripped.checked == ("one", "three", "two")
    assert stripped.started == ("import shop",)
    assert snapshot(site.root / "two") == before
    assert not (site.root / "one/docs").exists()
    assert site.untrue_rows() == []


def test_a_start_that_needs_config_vars_proves_nothing_and_breaks_nothing(site: Site) -> None:
    (site.app / "shop.py").write_text("import os\nos.environ['SECRET_KEY']")
    stripped = prove(site)
    assert stripped.restored == ()
    assert stripped.started == ()
    assert not (site.root / "two/docs").exists()


def test_a_start_that_there_was_no_time_for_proves_nothing_and_brings_nothing_back(
    site: Site,
) -> None:
    (site.app / "shop.py").write_text("import time\ntime.sleep(60)")
    stripped = prove(site, interpreter=replace(site.interpreter, until=time.monotonic() + 5))
    assert stripped.restored == ()
    assert stripped.checked == ("one", "three", "two")
    assert stripped.started == ()


def test_without_an_app_the_packages_are_tried_alone(site: Site) -> None:
    stripped = prove(site, app=None)
    assert stripped.restored == ()
    assert stripped.checked == ("one", "three", "two")


def test_what_the_app_writes_at_its_import_does_not_get_into_the_slug(site: Site) -> None:
    (site.app / "shop.py").write_text(
        "import pathlib\npathlib.Path('db.sqlite').touch()\nimport helper\n"
    )
    (site.app / "helper.py").write_text("")
    before = {path for path in site.app.rglob("*") if ".heroku" not in path.parts}
    stripped = prove(site)
    assert stripped.started == ("import shop",)
    after = {path for path in site.app.rglob("*") if ".heroku" not in path.parts}
    assert {path for path in after - before if ".slugfit" not in path.parts} == set()


def test_the_start_of_an_app_that_lost_nothing_is_not_tried(site: Site) -> None:
    (site.app / "shop.py").write_text("raise SystemExit")
    stripped = prove(site, StripPlan(), interpreter=NOBODY)
    assert stripped == Stripped()
    assert stripped.verdicts.app == Verdict(unseen=NOT_WATCHED)


def test_what_is_known_is_not_tried_again(site: Site) -> None:
    plan = site.plan()
    first = prove(site, plan)
    left = site.files
    site.changes.undo()
    site.renew()
    again = prove(site, plan, interpreter=NOBODY, known=first.verdicts)
    assert again == first
    assert again.verdicts == first.verdicts
    assert site.files == left
    assert site.untrue_rows() == []


def test_the_start_is_tried_again_for_another_app_over_packages_that_are_known(site: Site) -> None:
    plan = site.plan()
    first = prove(site, plan)
    site.changes.undo()
    site.renew()
    (site.app / "shop.py").write_text("import one")
    again = prove(site, plan, known=replace(first.verdicts, app=None))
    assert again.restored == ()
    assert again.checked == first.checked
    assert again.started == ("import shop",)


def test_a_start_that_nobody_watched_is_tried_again_when_it_matters_what_it_reads(
    site: Site,
) -> None:
    first = prove(site)
    site.changes.undo()
    site.renew()
    settings = StripSettings(bytecode="boot")
    again = prove(site, known=first.verdicts, settings=settings)
    assert again.unseen == ""
    assert again.restored == first.restored
    assert again.verdicts.app != first.verdicts.app


def test_the_apps_own_check_is_made_in_every_build(site: Site, tmp_path: Path) -> None:
    settings = StripSettings(smoke=f"echo run >>{tmp_path}/runs")
    first = prove(site, settings=settings)
    site.changes.undo()
    site.renew()
    prove(site, known=first.verdicts, settings=settings)
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_verdict_on_packages_that_had_to_come_back_brings_them_back(site: Site) -> None:
    restored = (Restored("one", "import one", "no"),)
    known = Verdicts(Verdict(("one",), restored), Verdict(unseen=NOT_WATCHED))
    stripped = prove(site, interpreter=NOBODY, known=known)
    assert stripped.restored == restored
    assert (site.root / "one/docs/terms.txt").exists()
    assert not (site.root / "two/docs").exists()
    assert site.untrue_rows() == []
