"""`build|ci BUILD_DIR CACHE_DIR ENV_DIR` for bin/compile: a build, and its record for bin/report.

Imports the ground floor alone, until the dependencies of the rest are there.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from slugfit import VERSION
from slugfit.base.errors import PROJECT, Failure
from slugfit.base.files import NoSpace, alone_in, write_atomically
from slugfit.base.heroku import site_packages
from slugfit.base.output import Output, Redactor
from slugfit.base.signals import (
    end_as_failures_do,
    end_with_parent,
    ended_by,
    uninterrupted,
)
from slugfit.commands.abort import Unexpected
from slugfit.helper.dependencies import Dependencies

if TYPE_CHECKING:
    from slugfit.build.pipeline import Record

# Not 1: a Python that does not start ends with that, and lib/boot.sh tells them apart.
FAILED = 3
_DETAIL_CHARACTERS = 200  # Heroku's limit for a string in a report
_UNTIL_THEN = f"Until then, build without Slugfit:\nheroku buildpacks:remove {PROJECT}"


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """0, or FAILED when the build can't go on and has said why."""
    end_as_failures_do()
    end_with_parent()
    output = Output(sys.stdout, sys.stderr, Redactor())
    cache = Path(arguments[2])
    own_cache = cache / "slugfit"
    dependencies = Dependencies(own_cache, environ, output)
    try:
        with alone_in(cache, lambda: output.step("Waiting for another build on this cache")):
            dependencies.provide()
            record = _build(arguments, environ, dependencies, output)
            dependencies.keep()
    except Exception as error:
        if status := ended_by():
            return status
        failure = error if isinstance(error, Failure) else Unexpected("build", error, _UNTIL_THEN)
        output.failure(failure)
        _write_record(own_cache, _record_of(failure, output), output)
        return FAILED
    finally:
        with uninterrupted():
            dependencies.discard()
    _write_record(own_cache, record, output)
    return 0


def _build(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    dependencies: Dependencies,
    output: Output,
) -> Record:
    from slugfit.base.http import Network  # noqa: PLC0415
    from slugfit.build.pipeline import build  # noqa: PLC0415
    from slugfit.build.request import Request  # noqa: PLC0415 (needs the dependencies)
    from slugfit.build.timing import StepTimer  # noqa: PLC0415
    from slugfit.settings.config_vars import read_config_vars, reader  # noqa: PLC0415
    from slugfit.stores.registry import secrets_in  # noqa: PLC0415

    mode, app, cache, env = arguments
    config_vars = read_config_vars(Path(env))
    output.redact.learn(secrets_in(config_vars))
    request = Request(
        mode="ci" if mode == "ci" else "build",
        app=Path(app),
        cache=Path(cache),
        python=Path(sys.executable),
        site_packages=Path(app, site_packages(sysconfig.get_python_version())),
        python_version=".".join(map(str, sys.version_info[:3])),
        soabi=str(sysconfig.get_config_var("SOABI") or ""),
        stack=environ.get("STACK", ""),
        config_vars=config_vars,
        named=reader(Path(env)),
        network=Network.of(environ),
        environ=environ,
        child_env={k: environ[k] for k in ("PATH", "LANG", "LD_LIBRARY_PATH") if k in environ},
    )
    steps = StepTimer()
    try:
        return build(request, steps, dependencies, output)
    except Failure:
        raise
    except Exception as error:
        raise Unexpected(f'step "{steps.current}"', error, _UNTIL_THEN) from error


def _record_of(failure: Failure, output: Output) -> Record:
    # Redacted before it is cut: half a secret is not recognised as one.
    detail = " ".join(output.redact(str(failure)).split())
    if len(detail) > _DETAIL_CHARACTERS:
        detail = detail[: _DETAIL_CHARACTERS - 3] + "..."
    return {
        "slugfit_version": VERSION,
        "failure_reason": failure.id,
        "failure_detail": detail,
    }


def _write_record(own_cache: Path, record: Record, output: Output) -> None:
    """What bin/report will print: the only thing that a failed build leaves behind."""
    text = json.dumps(output.redact.values(record)) + "\n"
    # An unwritable cache was reported already.
    with suppress(NoSpace, OSError):
        write_atomically(own_cache / "record.json", text.encode())
