"""The variables that scripts of a build and commands of a dyno find set."""

from __future__ import annotations

import os
import secrets
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from slugfit.local.index_access import index_settings

PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"

# Text, or bytes as they are: config vars may hold anything but NUL.
Config = Mapping[str, str | bytes]


def build_environment(
    *, home: Path, tmp: Path, stack: str, environ: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a buildpack's scripts: little, and no config vars.

    Of the user's own, `environ`, it has the way to the package index.
    TMPDIR is the one variable that Heroku does not set: there `/tmp` itself is the build's own.
    """
    return {
        "DYNO": f"run.{1000 + secrets.randbelow(9000)}",
        "HOME": str(home),
        "PATH": PLAIN_PATH,
        "REQUEST_ID": str(uuid.uuid4()),
        "SOURCE_VERSION": secrets.token_hex(20),
        "STACK": stack,
        "TMPDIR": str(tmp),
        **index_settings(environ),
        **extra,
    }


def ci_variables() -> dict[str, str]:
    """Return what Heroku CI adds to the environment of a build and of the tests."""
    return {
        "CI": "true",
        "HEROKU_TEST_RUN_BRANCH": "main",
        "HEROKU_TEST_RUN_COMMIT_VERSION": secrets.token_hex(20),
        "HEROKU_TEST_RUN_ID": str(uuid.uuid4()),
    }


def dyno_environment(
    *, home: Path, tmp: Path, stack: str, dyno: str, config: Config
) -> dict[str, str]:
    """Return the environment that a dyno starts with, before `.profile.d`."""
    variables = {
        "DYNO": dyno,
        "HOME": str(home),
        "PATH": PLAIN_PATH,
        "STACK": stack,
        "TMPDIR": str(tmp),
    }
    return variables | {name: _text(value) for name, value in config.items()}


def write_env_dir(directory: Path, config: Config) -> None:
    """Write a file for each config var: its name is the key, its bytes are the value."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name, value in config.items():
        (directory / name).write_bytes(value if isinstance(value, bytes) else value.encode())


def _text(value: str | bytes) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else value
