"""A child process has a deadline, and its last words are kept."""

from __future__ import annotations

import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from slugfit.base.process import Finished, run


def shell(script: str, cwd: Path, *, seconds: float = 10) -> Finished:
    """Run a shell script with nothing in its environment but PATH."""
    return run(["sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, cwd=cwd, seconds=seconds)


def test_a_child_that_succeeds_is_fine(tmp_path: Path) -> None:
    assert shell("exit 0", tmp_path) == Finished(0, "")


def test_a_child_that_fails_is_no_exception(tmp_path: Path) -> None:
    assert shell("exit 3", tmp_path) == Finished(3, "")


def test_the_last_line_is_what_it_said(tmp_path: Path) -> None:
    script = "printf 'first\\nModuleNotFoundError: No module named x\\n\\n \\n' >&2; exit 1"
    last = "ModuleNotFoundError: No module named x"
    assert shell(script, tmp_path) == Finished(1, last, ("first", last))


def test_a_child_that_succeeds_may_have_said_something(tmp_path: Path) -> None:
    assert shell("echo 'deprecated' >&2", tmp_path) == Finished(0, "deprecated", ("deprecated",))


def test_standard_output_is_not_shown_and_never_blocks_the_child(tmp_path: Path) -> None:
    script = "head -c 1000000 /dev/zero; echo done >&2"
    assert shell(script, tmp_path) == Finished(0, "done", ("done",))


def test_standard_output_is_heard_where_it_is_asked_for_and_in_its_order(tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo one; echo two >&2; echo three"]
    finished = run(argv, env={"PATH": "/bin"}, cwd=tmp_path, seconds=10, with_stdout=True)
    assert finished == Finished(0, "three", ("one", "two", "three"))


def test_colours_and_the_steps_of_a_progress_bar_do_not_get_into_a_log(tmp_path: Path) -> None:
    script = "printf '\\033[1;31mred\\033[0m\\n10%%\\r20%%\\r\\n' >&2"
    assert shell(script, tmp_path).tail == ("red", "10%", "20%")


def test_only_a_child_that_ends_with_0_is_fine() -> None:
    assert [Finished(code, "").ok for code in (0, 1, -9, None)] == [True, False, False, False]


def test_words_that_are_not_utf_8_are_still_words(tmp_path: Path) -> None:
    assert shell("printf 'gr\\374n' >&2", tmp_path) == Finished(0, "gr�n", ("gr�n",))


def test_a_child_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    begin = time.monotonic()
    finished = shell("echo working >&2; exec sleep 60", tmp_path, seconds=0.2)
    assert finished == Finished(None, "took longer than 0.2 seconds", ("working",), "seconds")
    assert time.monotonic() - begin < 5


def test_a_child_that_ignores_polite_signals_is_killed_as_well(tmp_path: Path) -> None:
    script = "trap '' TERM INT; while :; do sleep 0.05; done"
    assert shell(script, tmp_path, seconds=0.2).said == "took longer than 0.2 seconds"


@pytest.mark.parametrize(("signal", "number"), [("KILL", 9), ("SEGV", 11), ("ABRT", 6)])
def test_a_child_that_crashes_is_named_by_its_signal(
    tmp_path: Path, signal: str, number: int
) -> None:
    finished = shell(f"ulimit -c 0; echo last words >&2; kill -{signal} $$", tmp_path)
    assert finished == Finished(-number, f"killed by signal {number}", ("last words",))


def test_a_child_has_the_environment_that_it_is_given_and_no_other(tmp_path: Path) -> None:
    script = "import os, sys; print(sorted(os.environ), file=sys.stderr)"
    finished = run(
        [sys.executable, "-I", "-X", "utf8", "-c", script],
        env={"ONLY": "this"},
        cwd=tmp_path,
        seconds=10,
    )
    assert "ONLY" in finished.said
    assert "HOME" not in finished.said
    assert "PATH" not in finished.said


def test_a_child_runs_where_it_is_told_to(tmp_path: Path) -> None:
    assert shell("pwd >&2", tmp_path).said == str(tmp_path)


def test_a_child_has_no_terminal_to_ask(tmp_path: Path) -> None:
    assert shell("read answer || echo nothing to read >&2", tmp_path).said == "nothing to read"


def test_a_program_that_does_not_exist_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run([str(tmp_path / "missing")], env={}, cwd=tmp_path, seconds=1)


def test_what_a_talkative_child_says_is_not_all_kept_in_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        finished = shell("head -c 40000000 /dev/zero | tr '\\0' '\\n' >&2; echo end >&2", tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (finished.code, finished.tail) == (0, ("end",))
    assert peak < 4_000_000


def test_a_process_that_the_child_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    begin = time.monotonic()
    finished = shell("sleep 2 & echo done >&2", tmp_path, seconds=1)
    assert finished == Finished(0, "done", ("done",))
    assert time.monotonic() - begin < 1


def test_the_deadline_is_one_for_the_childs_own_children_too(tmp_path: Path) -> None:
    shell("sleep 3.14159 & echo $! > pid; wait", tmp_path, seconds=0.2)
    pid = (tmp_path / "pid").read_text().strip()
    # A kill takes effect a little after it was sent.
    deadline = time.monotonic() + 1
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(pid)


def is_running(pid: str) -> bool:
    """Whether there is such a process, and more of it than its exit code."""
    try:
        stat = Path("/proc", pid, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
