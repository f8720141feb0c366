"""Statements are tried in fresh processes of the app's Python, whatever those do."""

from __future__ import annotations

import ctypes.util
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.strip.trials.trial import AppInterpreter, Trial, TrialResult, importing, loading
from support.packages import Site

ENDLESS = "import time; time.sleep(60)"
# Holds the interpreter's lock, so that no code in Python could end it.
ENDLESS_IN_C = "import ctypes; ctypes.PyDLL(None).sleep(60)"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def said(site: Site, *statements: str) -> list[str | None]:
    """What is said of each statement, all of which are tried together."""
    trials = [Trial(statement, statement) for statement in statements]
    answers = site.interpreter.answers(trials)
    return [answers[trial].said for trial in trials]


def test_what_goes_well_says_nothing(site: Site) -> None:
    site.install("p", {"p/__init__.py": "", "p/q/__init__.py": "import p"})
    answers = site.interpreter.answers([importing("p"), importing("p.q"), importing("json")])
    assert [(trial.name, answer.ok) for trial, answer in answers.items()] == [
        ("import p", True),
        ("import p.q", True),
        ("import json", True),
    ]


def test_no_trials_no_answers(site: Site) -> None:
    assert site.interpreter.answers([]) == {}


@pytest.mark.parametrize(
    ("statement", "last"),
    [
        ("import no_such", "ModuleNotFoundError: No module named 'no_such'"),
        ("raise ValueError('first\\nlast')", "last"),
        ("raise KeyError", "KeyError"),
        ("e = KeyError(1); e.__notes__ = ['aside']; raise e", "KeyError: 1"),
        ("(", "SyntaxError: '(' was never closed"),
        ("import sys; sys.exit('leaving')", "SystemExit: leaving"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("input()", "EOFError: EOF when reading a line"),
        ("import os; os._exit(3)", "ended the process: no message"),
        ("import os; os.write(2, b'bye\\n'); os._exit(0)", "ended the process: bye"),
        ("import os; os.kill(os.getpid(), 11)", "killed by signal 11"),
        ("import os; os.killpg(0, 9)", "killed by signal 9"),
    ],
)
def test_what_fails_is_told_with_pythons_last_line_and_what_comes_after_is_tried(
    site: Site, statement: str, last: str
) -> None:
    assert said(site, "import json", statement, "import ast") == [None, last, None]


@pytest.mark.parametrize(
    "statement",
    [
        "print('x' * 100_000); import sys; print('y' * 100_000, file=sys.stderr)",
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        "import os; os.fork()",
        "import os; os.closerange(3, 1000)",
        "import os; os.chdir('/')",
        "import sys; sys.stdout = sys.stderr = None",
        "import atexit, time; atexit.register(time.sleep, 60)",
        "import sys; assert sys.argv == ['-c'], sys.argv",
    ],
)
def test_side_effects_are_no_failure_and_nobody_waits_for_them(site: Site, statement: str) -> None:
    begin = time.monotonic()
    assert said(site, statement, "import ast") == [None, None]
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("statement", [ENDLESS, ENDLESS_IN_C])
def test_what_takes_too_long_is_ended_and_what_comes_after_is_tried(
    site: Site, statement: str
) -> None:
    trials = [Trial("slow", statement), importing("ast")]
    slow, quick = replace(site.interpreter, seconds=(0.5, 60)).answers(trials).values()
    assert slow == TrialResult("took longer than 0.5 seconds", 0.5, timed_out=True)
    assert quick.ok


def test_what_crashes_only_beside_another_one_is_tried_alone(site: Site) -> None:
    site.install("p", {"p/__init__.py": "import sys, os\nif 'colorsys' in sys.modules: os.abort()"})
    assert said(site, "import colorsys", "import p", "import ast") == [None, None, None]


def test_what_there_was_no_time_for_has_no_answer(site: Site) -> None:
    trials = [importing("ast"), Trial("slow", ENDLESS), importing("json")]
    answers = replace(site.interpreter, seconds=(60, 5)).answers(trials)
    assert [trial.name for trial in answers] == ["import ast"]


def test_what_comes_after_too_many_crashes_has_no_answer(site: Site) -> None:
    crashes = [Trial(str(number), f"import os; os._exit({number})") for number in range(20)]
    answers = site.interpreter.answers([*crashes, importing("ast")])
    assert [trial.name for trial in answers] == list(map(str, range(10)))
    assert "import ast" not in {trial.name for trial in answers}


def test_modules_that_are_tried_together_share_a_process(site: Site) -> None:
    assert said(site, "import colorsys", "import sys; assert 'colorsys' in sys.modules") == [
        None,
        None,
    ]


def test_an_import_leaves_no_trace_in_the_tree_and_none_in_the_home_directory(
    site: Site, tmp_path: Path
) -> None:
    source = (
        "from . import q\nimport pathlib, subprocess, sys, tempfile\n"
        "pathlib.Path.home().joinpath('.cache').mkdir()\n"
        "pathlib.Path('here').mkdir()\n"
        "tempfile.mkdtemp()\n"
        "if __name__ == 'p':\n    subprocess.run([sys.executable, '-c', 'import p.r'])\n"
    )
    site.install("p", {"p/__init__.py": source, "p/q.py": "", "p/r.py": ""})
    home = tmp_path / "home"
    home.mkdir()
    env = {"PYTHONPATH": str(site.root), "HOME": str(home), "TMPDIR": str(home)}
    answers = AppInterpreter(Path(sys.executable), env).answers([importing("p")])
    assert [answer.said for answer in answers.values()] == [None]
    assert site.files == ["p/__init__.py", "p/q.py", "p/r.py"]
    assert os.listdir(home) == []


def test_a_crash_leaves_no_core_where_it_ran(site: Site, tmp_path: Path) -> None:
    crash = Trial("crash", "import os; os.abort()")
    there = replace(site.interpreter, directory=tmp_path)
    before = sorted(tmp_path.iterdir())
    assert [answer.said for answer in there.answers([crash]).values()] == ["killed by signal 6"]
    assert sorted(tmp_path.iterdir()) == before


def test_the_environment_is_the_given_one(site: Site) -> None:
    seen = (
        "import os\nassert os.environ['GIVEN'] == 'x'\n"
        "assert 'PYTEST_CURRENT_TEST' not in os.environ, 'leaked'\n"
        "assert os.environ['PYTHONNOUSERSITE'] == '1'\n"
    )
    interpreter = AppInterpreter(Path(sys.executable), {"GIVEN": "x"})
    assert [a.said for a in interpreter.answers([Trial("seen", seen)]).values()] == [None]


def test_it_runs_in_the_apps_directory_and_finds_the_apps_modules_first(
    site: Site, tmp_path: Path
) -> None:
    site.install("views", {"views.py": "raise ImportError('the wrong one')"})
    Path(tmp_path, "src").mkdir()
    Path(tmp_path, "src/views.py").write_text("open('here.txt').close()")
    Path(tmp_path, "here.txt").touch()
    there = replace(site.interpreter, directory=tmp_path, paths=(tmp_path / "src",))
    assert [answer.said for answer in there.answers([importing("views")]).values()] == [None]


def test_an_answer_names_the_files_on_the_way_the_innermost_first(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from . import inner",
            "p/inner.py": "try:\n    open('/no/such')\nexcept OSError:\n    import p.last",
            "p/last.py": "raise RuntimeError('lost')",
        },
    )
    (answer,) = site.interpreter.answers([importing("p")]).values()
    files = [file for file in answer.files if "/" in file]
    own = [file.removeprefix(f"{site.root}/") for file in files]
    assert own.index("p/last.py") < own.index("p/inner.py") < own.index("p/__init__.py")
    assert "/no/such" in own


def test_a_library_loads_with_what_it_is_linked_with(site: Site) -> None:
    library = ctypes.util.find_library("m") or "libm.so.6"
    damaged = site.write("p.libs/libdamaged.so", b"\x7fELF and nothing more")
    trials = [loading("libm", Path(library)), loading("p.libs/libdamaged.so", damaged)]
    fine, broken = site.interpreter.answers(trials).values()
    assert fine.ok
    assert str(broken.said).startswith(f"OSError: {damaged}: ")
    assert trials[1].name == "load p.libs/libdamaged.so"


def test_a_python_that_does_not_start_answers_for_the_first(site: Site) -> None:
    broken = replace(site.interpreter, env={"PYTHONHOME": "/no/such"})
    (answer, *_) = broken.answers([importing("ast")]).values()
    assert not answer.ok
