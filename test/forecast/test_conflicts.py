"""Requirements that can't be met together: the lines, and changes that were tried."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.app.package_manager import find_requirements
from slugfit.app.requirement_lines import RequirementLine
from slugfit.base.errors import render
from slugfit.forecast.conflicts import find_conflict, smallest, with_version
from slugfit.forecast.failures import Unresolvable
from slugfit.forecast.resolve_trials import ResolveTrials
from support.forecasting import forecast, resolver_for, write_app
from support.package_index import Package, PackageIndex

FRAMES = [Package("frames", f"{n}.0", requires=(f"numbers>={n},<{n + 1}",)) for n in (1, 2, 3)]
NUMBERS = [Package("numbers", f"{n}.5") for n in (1, 2, 3)]
PLOTS = [Package("plots", f"{n}.0", requires=(f"numbers<{n + 1}",)) for n in (1, 3)]
SERVER = Package("server", "1.0")
NATIVE = Package("native", "2.0", tag="cp313-cp313-manylinux_2_28_x86_64")
PACKAGES = (*FRAMES, *NUMBERS, *PLOTS, SERVER, NATIVE)
AS_THEY_ARE = (
    *("numpy", "demo @ https://example.com/demo.zip", "-e .", "./wheels/a.whl"),
    "a==1 --hash=sha256:00",
)


def explained(app: Path, scratch: Path) -> list[str]:
    with PackageIndex(PACKAGES) as index, pytest.raises(Unresolvable) as failure:
        forecast(app, index, scratch)
    return render(failure.value)


def between(lines: Sequence[str], first: str, end: str) -> list[str]:
    start = lines.index(first)
    return list(lines[start + 1 : lines.index(end, start)])


def change_in(lines: Sequence[str]) -> str:
    change = between(lines, "1. Change the versions; these resolve:", "")
    return "".join(f"{line[3:]}\n" for line in change)


def assert_resolves(app: Path, change: str, scratch: Path) -> None:
    """After the change, as a user would paste it, the forecast counts everything."""
    subprocess.run(["patch", "-p1"], cwd=app, input=change, text=True, check=True)
    with PackageIndex(PACKAGES) as index:
        assert forecast(app, index, scratch).missing == ()


def test_the_lines_that_conflict_are_named_and_the_change_resolves(tmp_path: Path) -> None:
    pins = "# what we serve\nserver\nframes==3.0\nnumbers==1.5  # from a freeze\n"
    app = write_app(tmp_path, requirements__txt=pins)
    lines = explained(app, tmp_path)
    assert between(lines, "These lines conflict:", "The resolver says:") == [
        "  requirements.txt:3: frames==3.0",
        "  requirements.txt:4: numbers==1.5",
    ]
    change = change_in(lines)
    assert change.splitlines() == [
        "--- a/requirements.txt",
        "+++ b/requirements.txt",
        "@@ -3,2 +3,2 @@",
        " frames==3.0",
        "-numbers==1.5  # from a freeze",
        "+numbers==3.5  # from a freeze",
    ]
    assert_resolves(app, change, tmp_path)


def test_all_conflicts_of_a_file_are_resolved_at_once(tmp_path: Path) -> None:
    text = "numbers==2.5\nframes==3.0\nplots==1.0\n"
    app = write_app(tmp_path, requirements__txt=text)
    change = change_in(explained(app, tmp_path))
    assert len([line for line in change.splitlines() if line[0] == "+"]) == 3  # its head, too
    assert_resolves(app, change, tmp_path)


def test_a_line_of_an_included_file_is_named_where_it_is(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="-r base.txt\nframes==3.0\n")
    (app / "base.txt").write_text("server\n\nnumbers==2.5\n")
    lines = explained(app, tmp_path)
    assert "  base.txt:3: numbers==2.5" in lines
    assert "   --- a/base.txt" in lines


def test_a_file_of_another_encoding_is_explained_as_well(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="")
    (app / "requirements.txt").write_bytes(b"# \xe9\nframes==3.0\nnumbers==1.5\n")
    assert "  requirements.txt:3: numbers==1.5" in explained(app, tmp_path)


def test_a_constraint_in_another_file_holds_in_every_trial(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="-c limits.txt\nframes==3.0\nserver\n")
    (app / "limits.txt").write_text("numbers<2\n")
    lines = explained(app, tmp_path)
    assert between(lines, "These lines conflict:", "The resolver says:") == [
        "  requirements.txt:2: frames==3.0"
    ]
    assert "   +frames==1.0" in lines


def test_a_python_for_which_the_lines_resolve_is_offered(tmp_path: Path) -> None:
    lines = explained(write_app(tmp_path, requirements__txt="server\nnative\n"), tmp_path)
    assert between(lines, "These lines conflict:", "The resolver says:") == [
        "  requirements.txt:2: native"
    ]
    assert lines[lines.index("To fix this:") + 1 :][:2] == [
        "1. Use Python 3.13, for which the lines resolve as they are:",
        "   echo 3.13 >.python-version",
    ]


def test_the_time_is_bounded(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="frames==3.0\nnumbers==1.5\n")
    with PackageIndex(PACKAGES) as index:
        resolver = resolver_for(index, tmp_path)
        with pytest.raises(Unresolvable) as failure:
            resolver.resolve(find_requirements(app))
        trials = ResolveTrials.of(
            resolver.uv, resolver.machine, app / "requirements.txt", seconds=0
        )
        before = time.monotonic()
        found = find_conflict(failure.value, trials)
    assert time.monotonic() - before < 5
    assert found.explain().fixes == (
        "Change one of the requirements that conflict.",
        "If the app runs on another Python, set it: --python, or .python-version",
    )


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(
    st.just(n), st.lists(st.sets(st.integers(0, n - 1), min_size=1, max_size=4), min_size=1,
                         max_size=3))))  # fmt: skip
def test_of_what_is_found_nothing_can_be_left_out(given: tuple[int, list[set[int]]]) -> None:
    count, conflicts = given
    lines = tuple(RequirementLine(f"p{n}", "requirements.txt", n) for n in range(count))

    def fail(some: Sequence[RequirementLine]) -> bool:
        numbers = {line.number for line in some}
        return any(conflict <= numbers for conflict in conflicts)

    found = smallest(lines, fail)
    assert fail(found)
    assert not any(fail([line for line in found if line != left_out]) for left_out in found)


@pytest.mark.parametrize(
    ("text", "without", "pinned"),
    [
        ("numpy==1.18.4", "numpy", "numpy==2.0"),
        (
            "Numpy [a,b] >=1,<2 ; python_version > '3'",
            'Numpy[a,b]; python_version > "3"',
            'Numpy[a,b]==2.0; python_version > "3"',
        ),
        *((text, text, text) for text in AS_THEY_ARE),
    ],
)
def test_a_version_is_replaced(text: str, without: str, pinned: str) -> None:
    assert (with_version(text, ""), with_version(text, "2.0")) == (without, pinned)
