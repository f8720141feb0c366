"""A signal ends a process once, after what must not be half done."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from support.paths import REPOSITORY

SCRIPT = """
import os, sys, time
from slugfit.base.signals import end_as_failures_do, end_with_parent, uninterrupted
end_as_failures_do()
end_with_parent()
try:
    {}
finally:
    time.sleep(0.3)  # as long as undoing takes
    print("undone", flush=True)
"""
WAIT = "print('ready', flush=True); time.sleep(60)"
IMPORTS = {"PYTHONPATH": str(REPOSITORY / "lib")}
ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]


def start(work: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", SCRIPT.format(work)]
    started = subprocess.Popen(argv, env=IMPORTS, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


@pytest.mark.parametrize("number", ENDING)
def test_the_first_signal_ends_it_and_the_others_change_nothing(number: signal.Signals) -> None:
    with start(WAIT) as process:
        for each in (number, *ENDING, number):
            process.send_signal(each)
            time.sleep(0.02)
        assert process.wait(20) == 128 + number
        assert process.stdout is not None
        assert process.stdout.read() == "undone\n"


def test_what_is_not_to_be_interrupted_comes_to_its_end() -> None:
    whole = "print('ready', flush=True); time.sleep(0.5); print('whole', flush=True)"
    work = f"with uninterrupted():\n        {whole}\n    time.sleep(60)"
    with start(work) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        assert process.stdout is not None
        assert process.stdout.read() == "whole\nundone\n"


def test_what_is_done_is_not_undone() -> None:
    work = (
        "with uninterrupted():\n"
        "        from slugfit.base.signals import ignore_from_now_on\n"
        "        print('ready', flush=True); time.sleep(0.5); ignore_from_now_on()\n"
        "    print('done', flush=True)"
    )
    with start(work) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "done\nundone\n"


def test_what_turns_the_end_into_something_else_is_known() -> None:
    """As the interpreter does while it makes a class."""
    work = (
        "class Slow:\n"
        "        def __set_name__(self, *_):\n"
        "            print('ready', flush=True); time.sleep(60)\n"
        "    try:\n"
        "        type('Made', (), {'slow': Slow()})\n"
        "    except Exception:\n"
        "        from slugfit.base.signals import end_if_asked\n"
        "        end_if_asked()"
    )
    with start(work) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        assert process.stdout is not None
        assert process.stdout.read() == "undone\n"


def test_it_ends_with_the_process_that_started_it() -> None:
    script = SCRIPT.format(WAIT)
    parent = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', sys.argv[1]])\n"
        "time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", parent, script]
    with subprocess.Popen(argv, env=IMPORTS, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
        assert process.stdout.read() == "undone\n"
