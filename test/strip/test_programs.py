"""A program inside a package stays when something starts it by its name, whoever that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.strip import reachability
from slugfit.strip.native import programs
from slugfit.strip.site_tree import read_tree
from support.binaries import PROGRAM
from support.packages import Site

STARTER = "pkg/bin/starter"
SPARE = "pkg/bin/symbolize"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.install("pkg", {"pkg/__init__.py": "", SPARE: PROGRAM})
    return site


def kept(site: Site, *others: str) -> dict[str, str]:
    """What keeps the programs; `others` are candidates as well."""
    tree = read_tree(site.root)
    going = dict.fromkeys((SPARE, *others), programs.PROGRAMS)
    found = reachability.keep(tree, going, reachability.site_sources(tree, going))
    rest = {path: category for path, category in going.items() if path not in found}
    return {**found, **programs.keep(tree, rest, ())}


def test_one_that_nobody_names_goes(site: Site) -> None:
    site.write(STARTER, PROGRAM)
    assert kept(site) == {}


def test_a_program_beside_it_may_start_it_wherever_its_strings_end(site: Site) -> None:
    site.write(STARTER, PROGRAM + b"no zero byte in Gosymbolizeuntil here\0")
    assert kept(site) == {SPARE: f"named in {STARTER}"}


def test_a_script_beside_it_may_start_it(site: Site) -> None:
    site.write(STARTER, '#!/bin/sh\nexec "$(dirname "$0")"/symbolize "$@"\n')
    assert kept(site) == {SPARE: f"named in {STARTER}"}


def test_what_is_started_may_start_another_one(site: Site) -> None:
    site.write(STARTER, "#!/bin/sh\nexec ./runner\n")
    site.write("pkg/bin/runner", PROGRAM + b"/symbolize\0")
    assert kept(site, "pkg/bin/runner") == {
        "pkg/bin/runner": f"named in {STARTER}",
        SPARE: "named in pkg/bin/runner",
    }


def test_a_short_name_counts_where_it_is_a_string(site: Site) -> None:
    site.write("pkg/bin/sim", PROGRAM)
    site.write(STARTER, PROGRAM + b"similar\0a sim \0")
    assert kept(site, "pkg/bin/sim") == {}
    site.write(STARTER, PROGRAM + b"\0bin/sim\0")
    assert kept(site, "pkg/bin/sim") == {"pkg/bin/sim": f"named in {STARTER}"}


def test_a_program_elsewhere_does_not_count(site: Site) -> None:
    site.write("pkg/starter", PROGRAM + b"symbolize\0")
    assert kept(site) == {}


def test_a_script_of_its_name_beside_python_starts_it(site: Site) -> None:
    site.install("other", {"other/bin/symbolize": PROGRAM, "../../../bin/symbolize": ""})
    assert kept(site, "other/bin/symbolize") == {"other/bin/symbolize": "started by bin/symbolize"}


def test_code_of_another_package_may_start_it(site: Site) -> None:
    site.install("other", {"other/__init__.py": "run(join(home(), 'bin', 'symbolize'))"})
    assert kept(site) == {SPARE: "named in other/__init__.py"}


def test_but_a_short_name_there_is_a_word_like_any_other(site: Site) -> None:
    site.write("pkg/bin/print", PROGRAM)
    site.install("other", {"other/__init__.py": "call('print')"})
    assert kept(site, "pkg/bin/print") == {}
