"""One conversion: everything that its result depends on, and the process that runs it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slugfit.base.files import sha256_of
from slugfit.base.process import Finished, run
from slugfit.models.app_python import AppPython
from slugfit.models.convert.conversion_cache import EXPECTED, INPUTS, MODEL
from slugfit.models.convert.conversions import ConversionRoute, ToolEnvironment
from slugfit.models.convert.failures import REFUSALS, ConversionFailed, ConvertFailure, OutOfMemory
from slugfit.models.formats import FormatName
from slugfit.settings.model import ConvertSettings

SCRIPTS = Path(__file__).with_name("tools")
_LINES_SHOWN = 5
_KILLED = -9
_NO_MEMORY = ("bad_alloc", "Cannot allocate memory", "MemoryError")
# No GPU, no log messages, and Keras 3 on TensorFlow.
_SILENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


@dataclass(frozen=True)
class Job:
    """`path` is the model's in the app, `sha256` that of its source.

    `input` and `representative` are the user's samples. With `has_reference`, the original's
    outputs are not needed. `app_versions` are those of the app's packages that take part.
    """

    path: str
    settings: ConvertSettings
    format: FormatName
    source: Path
    sha256: str
    input: Path | None
    representative: Path | None
    has_reference: bool
    allow_code: bool
    route: ConversionRoute
    environment: ToolEnvironment
    app_versions: Mapping[str, str]

    @property
    def is_random(self) -> bool:
        """Whether the comparison uses random inputs, for want of the user's samples."""
        return self.input is None and self.representative is None

    def key(self, locks: Path) -> str:
        """A key for everything that the result depends on. `locks` is their directory."""
        parts = {
            "source": self.sha256,
            "format": self.format,
            "to": self.settings.to,
            "quantize": self.settings.quantize,
            "data": [file and sha256_of(file).hex() for file in (self.input, self.representative)],
            "has_reference": self.has_reference,
            "locks": [sha256_of(locks / f"{lock}.txt").hex() for lock in self.environment.locks],
            "app": dict(sorted(self.app_versions.items())),
            "scripts": [sha256_of(script).hex() for script in sorted(SCRIPTS.glob("*.py"))],
            "python": [*sys.version_info[:2], os.uname().machine],
        }
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def run_job(
    job: Job, app: AppPython, paths: list[Path], work: Path, seconds: float
) -> dict[str, Any] | None:
    """Write the result and the original's outputs to `work`. Returns the tool's facts about them.

    None after a timeout of `seconds`. Raises a ConvertFailure.
    """
    own = [app.site] if job.environment.with_app else []
    request = {
        "paths": [*map(str, paths), *map(str, own)],
        "tool": job.route.tool,
        "format": job.format,
        "to": job.settings.to,
        "quantize": job.settings.quantize,
        "source": str(job.source.absolute()),
        "input": job.input and str(job.input),
        "representative": job.representative and str(job.representative),
        "allow_code": job.allow_code,
        "work": str(work),
        "result": str(work / MODEL),
        "inputs": str(work / INPUTS),
        "expected": None if job.has_reference else str(work / EXPECTED),
    }
    (work / "request.json").write_text(json.dumps(request), encoding="utf-8")
    # Isolated from the app's packages, except for those in `paths`, and without bytecode.
    argv = [app.python, "-I", "-S", "-B", SCRIPTS / "main.py", work / "request.json"]
    env = {**app.env, **_SILENT, "HOME": str(work), "TMPDIR": str(work)}
    finished = run(list(map(str, argv)), env=env, cwd=work, seconds=seconds)
    if finished.code is None:
        return None
    result = _result(work / "result.json") if finished.ok else None
    if result is None:
        raise _failure(job, finished)
    if "refused" in result:
        raise REFUSALS[result["refused"]](job.path, result["detail"])
    return result


def _result(file: Path) -> dict[str, Any] | None:
    try:
        result: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return result


def _failure(job: Job, finished: Finished) -> ConvertFailure:
    tail = finished.tail[-_LINES_SHOWN:]
    if finished.code == _KILLED or any(word in line for word in _NO_MEMORY for line in tail):
        return OutOfMemory(job.path, finished.said)
    ended = [finished.said] if finished.code and finished.code < 0 else []
    return ConversionFailed(job.path, "\n".join([*tail, *ended]))
