"""Runs in the app's Python, with its packages: tries statements, and records how each of them went.

`python -c <this text> DIRECTORY` finds `trials` there, as `trial` writes it: seconds, entries of
sys.path, and the statements. It writes `answers`, a JSON document a line, in the same order; they
break off where a statement ends the process, or takes longer than its seconds.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from types import TracebackType

_LONGEST_CHAIN = 20  # exceptions that are each other's cause


def main(directory: str) -> None:
    with open(f"{directory}/trials", encoding="utf-8") as file:
        asked = json.load(file)
    # Many packages read these on import; ours mean nothing to them.
    del sys.argv[1:]
    sys.path[:1] = asked["paths"] or sys.path[:1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would land in the app
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    own = os.getpid()
    for statement in asked["statements"]:
        # The signal ends the process even where C code holds the interpreter.
        signal.setitimer(signal.ITIMER_REAL, asked["seconds"])
        answer = attempt(statement)
        if os.getpid() != own:
            os._exit(0)  # a process that a module forked continues here as well
        # Opened each time: some modules close every file that they have not opened.
        with open(f"{directory}/answers", "a", encoding="utf-8") as file:
            file.write(json.dumps(answer) + "\n")
    # Not by the usual way, which waits for threads that a module has started.
    os._exit(0)


def attempt(statement: str) -> dict[str, object]:
    """Run `statement`: seconds, the last line of its exception, and the files it passed."""
    begin = time.monotonic()
    said: str | None = None
    files: list[str] = []
    try:
        exec(statement, {"__name__": "slugfit"})  # noqa: S102 (that is the task)
    except BaseException as error:  # an exit is an answer as well
        said, files = _last_line(error), list(dict.fromkeys(_files(error)))
    return {"said": said, "seconds": time.monotonic() - begin, "files": files}


def _last_line(error: BaseException) -> str:
    getattr(error, "__dict__", {}).pop("__notes__", None)  # they would come last
    text = "".join(traceback.format_exception_only(type(error), error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _files(error: BaseException | None) -> Iterator[str]:
    """The files that `error` and what led to it name, the innermost first."""
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            return
        yield from (
            value
            for name in ("filename", "filename2", "path")
            if isinstance(value := getattr(error, name, None), str)
        )
        yield from reversed(list(_frames(error.__traceback__)))
        error = error.__cause__ or error.__context__


def _frames(position: TracebackType | None) -> Iterator[str]:
    while position is not None:
        yield position.tb_frame.f_code.co_filename
        position = position.tb_next


if __name__ == "__main__":
    main(sys.argv[1])
