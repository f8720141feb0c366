"""What strips: Slugfit at its levels, and what people use without it."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.strip_stacks import Installed
from support.paths import SHARED_CACHE

WORKLOADS = Path(__file__).with_name("workloads")
SLIM = Path(__file__).with_name("strip_slim.js")
NODE_MODULES = SHARED_CACHE / "bench" / "npm" / "node_modules"
SLIM_PACKAGE = NODE_MODULES / "serverless-python-requirements" / "package.json"

# Collected from what answers on the web have in common. find's own complaints are not heeded there.
RECIPE = """
find "$1" -type d '(' -name tests -o -name test -o -name docs ')' -prune -exec rm -rf {} +
find "$1" -name '*.so' -exec strip {} ';' 2>/dev/null
true
"""
MORE = """
find "$1" -type d '(' -name '*.dist-info' -o -name include ')' -prune -exec rm -rf {} +
"""


@dataclass(frozen=True)
class Tool:
    """A way to strip a stack: its name, what becomes of bytecode, and the command."""

    name: str
    bytecode: str
    command: Callable[[Installed], list[str]] = field(repr=False)
    is_slugfit: bool = False
    # How long it takes matters: it is run in every round.
    timed: bool = False


def tools(program: Path) -> dict[str, Tool]:
    """Return all tools that are here by name; Slugfit's with `program`."""
    made = (
        _slugfit(program, "safe", "keep", timed=True),
        _slugfit(program, "safe", "boot"),
        _slugfit(program, "safe", "drop"),
        _slugfit(program, "max", "keep"),
        _slugfit(program, "max", "boot"),
        *([Tool("serverless slim", "drop", _slim)] if SLIM_PACKAGE.exists() else []),
        Tool("find+strip", "keep", lambda to: ["sh", "-c", RECIPE, "sh", str(to.site)], timed=True),
        Tool("find+strip+info", "keep", lambda to: ["sh", "-c", MORE + RECIPE, "sh", str(to.site)]),
    )
    return {tool.name: tool for tool in made}


SLUGFIT, YARDSTICK = "slugfit safe, keep", "find+strip"
# Whom each of the others is compared with, as it does with bytecode what that does.
RIVALS = {
    "serverless slim": "slugfit safe, drop",
    "find+strip": "slugfit safe, keep",
    "find+strip+info": "slugfit safe, keep",
}


def _slugfit(program: Path, level: str, bytecode: str, *, timed: bool = False) -> Tool:
    def command(to: Installed) -> list[str]:
        smoke = ["--smoke", start(to.stack)] if bytecode == "boot" else []
        policy = ["--level", level, "--bytecode", bytecode, *smoke]
        return [str(program), "slim", str(to.site), "--python", str(to.python), *policy]

    return Tool(f"slugfit {level}, {bytecode}", bytecode, command, is_slugfit=True, timed=timed)


def start(stack: str) -> str:
    """Return what an app of a stack does when it starts, and with its first request."""
    app = WORKLOADS / f"{stack}_app.py"
    request = ["python", str(app), "first"]
    gunicorn = ["python", "-m", "gunicorn", "--check-config", "--chdir", str(WORKLOADS)]
    return f"{shlex.join([*gunicorn, f'{app.stem}:app'])} && {shlex.join(request)}"


def _slim(to: Installed) -> list[str]:
    return ["node", str(SLIM), str(NODE_MODULES), str(to.site)]


def versions() -> list[str]:
    """Say which versions of the others are compared."""
    questions = (["strip", "--version"], ["find", "--version"])
    answers = [subprocess.run(q, capture_output=True, text=True, check=True) for q in questions]
    slim = "serverless-python-requirements "
    slim += (
        json.loads(SLIM_PACKAGE.read_text())["version"] if SLIM_PACKAGE.exists() else "is missing"
    )
    return [*(answer.stdout.splitlines()[0] for answer in answers), slim]
