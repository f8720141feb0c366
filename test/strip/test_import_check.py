"""The gate knows what to try of a distribution that lost something, and what its failure means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from slugfit.packages.distributions import installed
from slugfit.strip.strip_plan import Removal, StripPlan
from slugfit.strip.trials.import_check import (
    affected,
    answers,
    failures,
    groups_for,
    package_to_import,
    regressions,
)
from slugfit.strip.trials.trial import Trial, TrialResult, importing
from support.packages import Site

T, U = importing("t"), importing("u")
FINE, FAILED = TrialResult(seconds=1), TrialResult("ImportError: no", 1)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@dataclass(frozen=True)
class Shrinking(StripPlan):
    """A plan that makes `paths` smaller, in whichever way."""

    paths: tuple[str, ...] = ()

    def owners(self) -> Iterator[tuple[str, str]]:
        yield from super().owners()
        yield from ((path, "p") for path in self.paths)


def removing(distribution: str, *paths: str) -> StripPlan:
    return StripPlan(tuple(Removal(path, 1, "tests", distribution) for path in paths))


def names(site: Site, plan: StripPlan, *blind: str) -> dict[str, list[str]]:
    groups = groups_for(site.root, plan, installed(site.root), blind)
    return {name: [trial.name for trial in group] for name, group in groups.items()}


def test_a_distribution_that_lost_something_is_imported_by_all_its_outermost_packages(
    site: Site,
) -> None:
    files = ("p/__init__.py", "p/tests/a.py", "p/sub/__init__.py", "q/__init__.py", "p.libs/b.so")
    site.install("dist", dict.fromkeys((*files, "single.py", "../../../bin/run"), ""))
    site.install("calm", {"calm/__init__.py": ""})
    assert names(site, removing("dist", "p/tests/a.py")) == {"dist": ["import p", "import q"]}


def test_a_distribution_of_modules_is_imported_by_those(site: Site) -> None:
    site.install("two", dict.fromkeys(("one.py", "two.py", "not-a-module.py", "one.pyi"), ""))
    assert names(site, removing("two", "one.pyi")) == {"two": ["import one", "import two"]}


def test_a_package_that_goes_as_a_whole_is_not_imported(site: Site) -> None:
    site.install("p", dict.fromkeys(("p/__init__.py", "tests/__init__.py", "tests/a.py"), ""))
    plan = removing("p", "tests/__init__.py", "tests/a.py")
    assert names(site, plan) == {"p": ["import p"]}


def test_of_a_distribution_without_code_there_is_nothing_to_try(site: Site) -> None:
    site.install("headers", {"include/x.h": "", "x-y/__init__.py": ""})
    assert names(site, removing("headers", "include/x.h")) == {}


def test_files_that_no_record_lists_are_tried_with_the_package_that_they_are_in(
    site: Site,
) -> None:
    site.write("p/__init__.py")
    site.write("p/tests/a.py")
    assert names(site, removing("p", "p/tests/a.py")) == {"p": ["import p"]}


def test_blind_modules_come_after_the_packages_of_their_distribution(site: Site) -> None:
    for name in ("p", "calm"):
        files = (f"{name}/__init__.py", f"{name}/b.py", f"{name}/a/__init__.py", f"{name}/t.h")
        site.install(name, dict.fromkeys(files, ""))
    found = names(site, removing("p", "p/t.h"), "p.b", "calm.b", "p.a", "p.missing", "p")
    assert found == {"p": ["import p", "import p.a", "import p.b"], "calm": ["import calm.b"]}


def test_libraries_that_become_smaller_are_loaded_and_programs_are_not(site: Site) -> None:
    files = ("p/__init__.py", "p/m.so", "p.libs/libx.so.3", "p/bin/run", "p/a.h")
    site.install("p", dict.fromkeys(files, ""))
    shrunk = ("p/m.so", "p.libs/libx.so.3", "p/bin/run")
    plan = Shrinking((Removal("p/a.h", 1, "C headers", "p"),), paths=shrunk)
    assert names(site, plan) == {"p": ["import p", "load p.libs/libx.so.3", "load p/m.so"]}


def test_each_group_has_a_process_of_its_own(site: Site) -> None:
    source = "import sys; assert not sys.modules.keys() & {other!r}"
    modules = ["p", "q", "r", "s", "t"]
    for name in modules:
        other = set(modules) - {name}
        site.install(name, {f"{name}/__init__.py": source.format(other=other)})
    groups = {name: (importing(name),) for name in modules}
    assert failures(answers(groups, site.interpreter)) == {}


def test_what_fails_in_one_group_fails(site: Site) -> None:
    first = Trial("set", "import sys; sys.modules['colorsys'] = None")
    trial = importing("colorsys")
    groups = {"a": (trial,), "b": (first, trial), "c": (trial,)}
    assert set(failures(answers(groups, site.interpreter))) == {trial}


def test_what_is_tried_again_is_tried_after_the_same_as_before() -> None:
    assert affected({"a": (T, U), "b": (U,), "c": (T,)}, {T}) == {"a": (T, U), "c": (T,)}


@pytest.mark.parametrize(
    ("after", "before", "is_one"),
    [
        pytest.param(FAILED, FINE, True, id="fails now"),
        pytest.param(FAILED, FAILED, False, id="failed before"),
        pytest.param(FAILED, None, False, id="not known before"),
        pytest.param(FINE, FAILED, False, id="never failed now"),
        pytest.param(TrialResult("slow", 30, timed_out=True), FINE, True, id="hangs now"),
        pytest.param(
            TrialResult("slow", 30, timed_out=True),
            TrialResult(seconds=20),
            False,
            id="was slow before",
        ),
    ],
)
def test_a_regression_is_what_fails_for_what_it_lost(
    after: TrialResult, before: TrialResult | None, is_one: bool
) -> None:
    known = {T: before} if before else {}
    assert regressions({T: after}, known) == ({T: after} if is_one else {})


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("p/tests/a.py", "p"),
        ("p/q/tests/deep/a.txt", "p"),
        ("p/a.h", "p"),
        ("google/cloud/storage/tests/a.py", "google.cloud.storage"),
        ("google/cloud/include/a.h", None),
        ("google/a.h", None),
        ("a.h", None),
        ("no-package/tests/a.py", None),
        ("p-1.0.dist-info/a", None),
        ("p/no-package/a.h", "p"),
    ],
)
def test_the_package_to_import_is_the_outermost_regular_one(
    site: Site, path: str, package: str | None
) -> None:
    for init in ("p", "p/q", "p/q/tests", "google/cloud/storage", "no-package"):
        site.write(f"{init}/__init__.py")
    assert package_to_import(site.root, path) == package
