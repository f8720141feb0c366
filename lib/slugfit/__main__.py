"""The commands that bin/ hands over to.

The only place that reads the environment, catches failures and sets the exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from slugfit import VERSION
from slugfit.errors import README, Explanation, Failure
from slugfit.files import NoSpace, write_atomically
from slugfit.output import Output, Redactor
from slugfit.pipeline import Record, Request, Steps, build
from slugfit.settings.config_vars import read_config_vars, secrets_in

_DETAIL_CHARACTERS = 200  # Heroku's limit for a string in a report


class Unexpected(Failure):
    """A bug. `step` is the part of the build that it stopped."""

    id = "internal::unexpected"
    kind = "internal"

    def __init__(self, step: str, error: BaseException) -> None:
        self.step = step
        self.error = error

    def explain(self) -> Explanation:
        return Explanation(
            summary=f'The step "{self.step}" stopped unexpectedly.',
            evidence=tuple(traceback.format_exception(self.error)),
            fixes=(
                f"Report it with the lines above and this version: Slugfit {VERSION}",
                f"Until then, build without Slugfit:\nheroku buildpacks:remove {README}",
            ),
        )

    def __str__(self) -> str:
        return f"{self.step}: {type(self.error).__name__}: {self.error}"


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """`build|ci BUILD_DIR CACHE_DIR ENV_DIR`; 0, or 1 when the build can't go on."""
    mode, app, cache, env = argv
    config_vars = read_config_vars(Path(env))
    output = Output(sys.stdout, sys.stderr, Redactor(secrets_in(config_vars)))
    request = Request(
        mode="ci" if mode == "ci" else "build",
        app=Path(app),
        cache=Path(cache),
        python=Path(sys.executable),
        site_packages=_site_packages(Path(app)),
        python_version=".".join(map(str, sys.version_info[:3])),
        stack=environ.get("STACK", ""),
        config_vars=config_vars,
        child_env={k: environ[k] for k in ("PATH", "LANG", "LD_LIBRARY_PATH") if k in environ},
    )
    signal.signal(signal.SIGTERM, _terminate)
    return _run(request, output)


def _run(request: Request, output: Output) -> int:
    steps = Steps()
    try:
        record = build(request, steps, output)
    except Failure as failure:
        return _fail(request, failure, output)
    except Exception as error:
        return _fail(request, Unexpected(steps.current, error), output)
    _write_record(request, record, output)
    return 0


def _fail(request: Request, failure: Failure, output: Output) -> int:
    output.failure(failure)
    # Redacted before it is cut: half a secret is not recognised as one.
    detail = " ".join(output.redact(str(failure)).split())
    if len(detail) > _DETAIL_CHARACTERS:
        detail = detail[: _DETAIL_CHARACTERS - 3] + "..."
    record: Record = {
        "slugfit_version": VERSION,
        "failure_reason": failure.id,
        "failure_detail": detail,
    }
    _write_record(request, record, output)
    return 1


def _write_record(request: Request, record: Record, output: Output) -> None:
    """What bin/report will print: the only thing that a failed build leaves behind."""
    text = json.dumps(output.redact.values(record)) + "\n"
    # A disk too full for it has been told of.
    with suppress(NoSpace):
        write_atomically(request.own_cache / "record.json", text.encode())


def _site_packages(app: Path) -> Path:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return app / ".heroku" / "python" / "lib" / version / "site-packages"


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Heroku ends builds that take too long: leave as a failure would, changes undone."""
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
