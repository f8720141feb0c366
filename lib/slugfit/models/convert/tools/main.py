"""Runs in the tools' environment: converts a model, and records the original's outputs.

`python -I -S -B main.py request.json` writes `result.json` beside it: facts for the comparison, or
why there is no result.
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
_MAX_LINES = 5
_MAX_LINE_LENGTH = 300  # characters


def main(file: str) -> None:
    request = json.loads(Path(file).read_text(encoding="utf-8"))
    sys.path[:0] = request["paths"]
    warnings.simplefilter("ignore")
    _become_package()
    _prefer_for_oom_killer()
    result = Path(file).with_name("result.json")
    result.write_text(json.dumps(_result(request)), encoding="utf-8")
    sys.stderr.flush()
    # A normal exit would wait for threads that the tools have started.
    os._exit(0)


def _become_package() -> None:
    """Make the modules beside this file importable as `_PACKAGE`."""
    here = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec  # noqa: S101 (there is a loader for .py)
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)


def _result(request: dict[str, Any]) -> dict[str, Any]:
    refusal = importlib.import_module(f"{_PACKAGE}.arrays").ConversionRefused
    tool = importlib.import_module(f"{_PACKAGE}.{request['tool']}")
    try:
        result: dict[str, Any] = tool.convert(request)
    except refusal as error:
        return {"refused": error.kind, "detail": error.detail}
    except MemoryError:
        return {"refused": "out-of-memory", "detail": ""}
    except Exception as error:
        return {"refused": "failed", "detail": _last_lines(error)}
    return result


def _last_lines(error: Exception) -> str:
    """The end of the message: tools chain their reasons, with the cause last."""
    text = f"{type(error).__name__}: {error}"
    lines = [line.strip()[-_MAX_LINE_LENGTH:] for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_MAX_LINES:])


def _prefer_for_oom_killer() -> None:
    """Let the OOM killer choose this process first, so that the build can report it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
