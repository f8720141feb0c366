"""Runs in a tool environment: turns one model into another, and notes what the first one answers.

`python -I -S -B main.py asked.json` writes `answer.json` beside it: what a comparison has to know,
or why there is no result.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

_PACKAGE = "slugfit_conversion"
_LINES = 5
_LONGEST_LINE = 300  # characters


def main(file: str) -> None:
    asked = json.loads(Path(file).read_text(encoding="utf-8"))
    sys.path[:0] = asked["paths"]
    warnings.simplefilter("ignore")
    _become_package()
    _go_first()
    answer = Path(file).with_name("answer.json")
    answer.write_text(json.dumps(_answer(asked)), encoding="utf-8")
    sys.stderr.flush()
    # Not by the usual way, which waits for threads that the tools have started.
    os._exit(0)


def _become_package() -> None:
    """Make what lies beside this file importable as modules of `_PACKAGE`."""
    here = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec  # noqa: S101 (there is a loader for .py)
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    refused = importlib.import_module(f"{_PACKAGE}.arrays").Refused
    tool = importlib.import_module(f"{_PACKAGE}.{asked['tool']}")
    try:
        answer: dict[str, Any] = tool.convert(asked)
    except refused as error:
        return {"refused": error.kind, "detail": error.detail}
    except MemoryError:
        return {"refused": "out-of-memory", "detail": ""}
    except Exception as error:
        return {"refused": "failed", "detail": _last_lines(error)}
    return answer


def _last_lines(error: Exception) -> str:
    """Tools put reason upon reason: what it comes to is at the end."""
    text = f"{type(error).__name__}: {error}"
    lines = [line.strip()[-_LONGEST_LINE:] for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_LINES:])


def _go_first() -> None:
    """When memory runs out, this process ends, and the build can say so."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
