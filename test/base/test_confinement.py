"""A program that no one vouches for keeps its bounds, and none of its processes outlives it."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slugfit.base.confinement import landlock
from slugfit.base.confinement.confined import Access, Bounds, Confinement, MemoryShare
from slugfit.base.process import Finished

ENV = {"PATH": "/usr/bin:/bin"}
DENIED = "PermissionError: [Errno 13] Permission denied"
NOT_PERMITTED = "PermissionError: [Errno 1] Operation not permitted"


def confined(code: str, cwd: Path, access: Access | None = None, **bounds: Any) -> Finished:
    """Run a program in Python that may write in its directory alone."""
    confinement = Confinement(Bounds(**{"seconds": 60, **bounds}), access or Access((cwd,)))
    return confinement.run([sys.executable, "-I", "-c", code], env=ENV, cwd=cwd)


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_program_that_ends_by_itself_is_known_by_its_status_and_last_lines(
    tmp_path: Path,
) -> None:
    code = "import sys; print('unheard'); print('one\\n\\ntwo', file=sys.stderr); sys.exit(3)"
    finished = confined(code, tmp_path)
    assert (finished.code, finished.said, finished.tail) == (3, "two", ("one", "two"))
    assert finished.broke == ""


def test_what_restricts_it_is_told(tmp_path: Path) -> None:
    version = landlock.abi()
    expected = f"Landlock {version}, seccomp" if version else "seccomp"
    assert confined("", tmp_path).restrictions == expected


def test_standard_output_is_heard_where_it_is_asked_for(tmp_path: Path) -> None:
    confinement = Confinement(Bounds(60), Access((tmp_path,)))
    argv = ["sh", "-c", "echo one; echo two >&2"]
    finished = confinement.run(argv, env=ENV, cwd=tmp_path, with_stdout=True)
    assert finished.tail == ("one", "two")


def test_a_program_that_does_not_exist_fails(tmp_path: Path) -> None:
    finished = Confinement(Bounds(60)).run(["/no/such"], env=ENV, cwd=tmp_path)
    assert finished.code == 127
    assert finished.said == "[Errno 2] No such file or directory: '/no/such'"


def test_a_crash_is_named_by_its_signal(tmp_path: Path) -> None:
    finished = confined("import os; os.abort()", tmp_path)
    assert (finished.code, finished.said) == (-6, "killed by signal 6")


@pytest.mark.parametrize(
    ("code", "bounds", "broke", "said"),
    [
        (
            "import time; time.sleep(99)",
            {"seconds": 0.5},
            "seconds",
            "took longer than 0.5 seconds",
        ),
        (
            "b = b'x' * 400_000_000; import time; time.sleep(99)",
            {"memory": 200_000_000},
            "memory",
            "took more than 200.0 MB of memory",
        ),
        (
            "import os, time\n[os.fork() for _ in range(5)]\ntime.sleep(99)",
            {"processes": 20},
            "processes",
            "started more than 20 processes",
        ),
        (
            "import sys\nwhile True: sys.stderr.write('x' * 9999 + '\\n')",
            {"output_bytes": 1_000_000},
            "output_bytes",
            "printed more than 1.0 MB",
        ),
    ],
    ids=["time", "memory", "processes", "output"],
)
def test_a_bound_ends_the_program_and_is_named(
    tmp_path: Path, code: str, bounds: dict[str, Any], broke: str, said: str
) -> None:
    finished = confined(code, tmp_path, **bounds)
    assert (finished.code, finished.broke, finished.said) == (None, broke, said)


def test_memory_is_that_of_all_its_processes_together(tmp_path: Path) -> None:
    code = "import os, time\nos.fork(); os.fork()\nb = bytearray(90_000_000)\ntime.sleep(99)"
    assert confined(code, tmp_path, memory=300_000_000).broke == "memory"


def test_a_file_grows_to_its_bound_and_no_further(tmp_path: Path) -> None:
    code = "open('f', 'wb').write(bytes(9_000_000))"
    assert confined(code, tmp_path, file_bytes=5_000_000).ok is False
    assert (tmp_path / "f").stat().st_size == 5_000_000


def test_of_much_output_little_is_kept(tmp_path: Path) -> None:
    finished = confined("import sys; sys.stderr.write('x' * 5_000_000)", tmp_path)
    assert finished.ok
    assert sum(map(len, finished.tail)) <= 10_000


@pytest.mark.parametrize(
    "flee",
    [
        "os.setsid()",
        "os.setpgid(0, 0)",
        "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)",
        "[signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]",
    ],
)
def test_none_of_its_processes_outlives_it(tmp_path: Path, flee: str) -> None:
    code = f"""
import os, signal, sys, time
if not os.fork():
    {flee}
    open(f"pid-{{os.getpid()}}", "w").close()
    time.sleep(99)
while not [n for n in os.listdir() if n.startswith("pid-")]:
    time.sleep(0.01)
"""
    assert confined(code, tmp_path).ok
    (note,) = tmp_path.glob("pid-*")
    assert not is_running(int(note.name[4:]))


def test_a_supervisor_that_is_gone_leaves_no_process_behind(tmp_path: Path) -> None:
    """As after the kernel's own choice when memory runs out."""
    code = (
        "import os, time; open('pids', 'w').write(f'{os.getpid()} {os.getppid()}'); time.sleep(99)"
    )
    with ThreadPoolExecutor() as pool:
        running = pool.submit(confined, code, tmp_path)
        while not (pids := tmp_path / "pids").exists() or " " not in pids.read_text():
            time.sleep(0.01)
        own, supervisor = map(int, pids.read_text().split())
        os.kill(supervisor, 9)
        finished = running.result(30)
    assert (finished.code, finished.said) == (None, "ended its supervisor")
    assert not is_running(own)


@pytest.mark.parametrize("target", ["os.getppid()", "starter", "-1", "-os.getpgid(os.getppid())"])
def test_it_can_not_end_those_who_watch_it(tmp_path: Path, target: str) -> None:
    finished = confined(f"import os; starter = {os.getpid()}; os.kill({target}, 9)", tmp_path)
    assert (finished.code, finished.said) == (1, NOT_PERMITTED)


def test_it_may_signal_its_own_children(tmp_path: Path) -> None:
    code = "import subprocess as s; c = s.Popen(['sleep', '99']); c.kill(); exit(c.wait() != -9)"
    assert confined(code, tmp_path).ok


needs_landlock = pytest.mark.skipif(not landlock.abi(), reason="the kernel has no Landlock")


@needs_landlock
@pytest.mark.parametrize(
    "change",
    [
        "open(there, 'w')",
        "os.unlink(there)",
        "os.rename(there, there + '2')",
        "os.symlink('x', there + '2')",
        "os.mkdir(there + '2')",
        "os.truncate(there, 0)",
        "os.link(there, 'mine')",
        "os.rename(there, 'mine')",
    ],
)
def test_it_changes_nothing_outside_its_directory(tmp_path: Path, change: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "there").write_text("whole")
    code = f"import os; there = {str(tmp_path / 'there')!r}; {change}"
    finished = confined(code, tmp_path / "own")
    assert finished.code == 1
    assert re.match(r"(PermissionError|OSError): \[Errno (13|18)\]", finished.said)
    assert {p.name for p in tmp_path.iterdir()} == {"own", "there"}
    assert (tmp_path / "there").read_text() == "whole"


def test_in_its_directory_it_may_do_all(tmp_path: Path) -> None:
    code = """
import os
os.makedirs("a/b")
open("a/f", "w").write("x")
os.rename("a/f", "a/b/g")
os.link("a/b/g", "h")
os.symlink("h", "i")
os.truncate("h", 0)
os.unlink("i")
"""
    finished = confined(code, tmp_path)
    assert (finished.code, finished.said) == (0, "")


@needs_landlock
def test_what_is_hidden_can_not_be_read_and_all_else_can(tmp_path: Path) -> None:
    for name in ("env", "beside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "KEY").write_text("value")
    hidden = Access((tmp_path / "beside",), hidden=(tmp_path / "env",))
    read = "import os, glob; print(open({!r}).read(), file=__import__('sys').stderr)"
    secret = confined(read.format(str(tmp_path / "env/KEY")), tmp_path, hidden)
    assert secret.said.startswith(DENIED)
    assert confined(read.format(str(tmp_path / "beside/KEY")), tmp_path, hidden).said == "value"


def test_without_a_network_it_reaches_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        assert confined(code, tmp_path).said == DENIED
        assert confined(code, tmp_path, Access((tmp_path,), network=True)).ok


def test_processes_of_one_machine_may_still_talk(tmp_path: Path) -> None:
    assert confined("import socket; socket.socketpair()", tmp_path).ok


def test_the_youngest_makes_room_where_memory_is_shared(tmp_path: Path) -> None:
    share = MemoryShare(300_000_000)
    code = "b = bytearray({}); open({!r}, 'w').close(); import time; time.sleep(3)"

    def run(name: str, size: int) -> Finished:
        confinement = Confinement(Bounds(60), Access((tmp_path,)), share)
        argv = [sys.executable, "-I", "-c", code.format(size, name)]
        return confinement.run(argv, env=ENV, cwd=tmp_path)

    with ThreadPoolExecutor() as pool:
        older = pool.submit(run, "older", 200_000_000)
        while not (tmp_path / "older").exists():
            time.sleep(0.01)
        younger = pool.submit(run, "younger", 200_000_000)
        assert younger.result().broke == "share"
        assert older.result().ok
    assert run("alone", 200_000_000).ok


def test_all_but_what_is_hidden_is_listed_in_few_paths(tmp_path: Path) -> None:
    for path in ("a/b", "a/secret/c", "d"):
        (tmp_path / path).mkdir(parents=True)
    listed = list(landlock.all_but([str(tmp_path / "a/secret")], str(tmp_path)))
    assert listed == [str(tmp_path / "a/b"), str(tmp_path / "d")]
