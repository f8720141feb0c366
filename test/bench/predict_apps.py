"""The complete apps among the fixtures, built on the local Heroku: what a forecast is held to."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slugfit.local.buildpack import SLUGFIT
from slugfit.local.stand_in import HEROKU_PYTHON
from support.fixtures import BUCKET
from support.heroku import App
from support.paths import DIGITS, FIXTURES
from support.s3 import S3Server
from support.torch_index import TorchIndex

# Fixtures whose builds fail, on purpose.
FAILING: Mapping[str, str] = {
    "budget_exceeded": "over its limit",
    "lock_conflict": "its lock and its settings differ",
    "lock_malformed": "its lock is damaged",
    "lock_outdated": "its lock lacks a model",
    "model_lfs_pointer": "its model is a pointer",
    "model_path_taken": "a file is where its model should go",
    "model_path_through_symlink": "its model would leave the app",
    "model_source_absent": "its model is missing",
    "no_python_files": "not an app for Python",
    "settings_in_two_files": "configured twice",
    "settings_invalid": "its settings are wrong",
    "settings_malformed": "its settings are no TOML",
}
_COMPLETE = tuple(
    sorted(path.name for path in FIXTURES.iterdir() if path.is_dir() and path.name not in FAILING)
)
# Besides, the example app under the other Pythons that Heroku has.
APPS = (*_COMPLETE, *(f"flask_tflite@3.{minor}" for minor in (10, 12, 13, 14)))

_MODELS = ("digits.h5", "digits.onnx", "digits.pt", "digits.tflite")
_ARCHIVE = "m.tgz"

# heroku/python installs the newest pip, and up to Python 3.12 setuptools; its stand-in leaves it
# at the pip that Python carries with it.
_TOOLS = """\
#!/bin/sh
set -e
python -c 'import sys; sys.exit(sys.version_info < (3, 13))' || setuptools=setuptools
python -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action ignore \
    --upgrade pip ${setuptools:-}
"""


@dataclass(frozen=True)
class Asked:
    """What a fixture is built with, and its forecast asked with."""

    fixture: str
    python: str | None
    config: Mapping[str, str]


@contextmanager
def store() -> Iterator[S3Server]:
    """A server with the models of all fixtures."""
    with TemporaryDirectory() as scratch, S3Server() as s3:
        s3.create_bucket(BUCKET)
        for name in _MODELS:
            s3.put(BUCKET, f"digits/{name}", DIGITS / name)
        archive = Path(scratch, _ARCHIVE)
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(DIGITS / "digits.tflite", "digits.tflite")
            packed.add(DIGITS / "held_out.json", "held_out.json")
        s3.put(BUCKET, _ARCHIVE, archive)
        yield s3


@contextmanager
def asked(name: str, s3: S3Server) -> Iterator[Asked]:
    """What `name` is built with: FIXTURE, or FIXTURE@X.Y. Raises NoWheelError."""
    fixture, _, python = name.partition("@")
    with ExitStack() as stack:
        config = dict(s3.config)
        if "PIP_EXTRA_INDEX_URL" in _variables(fixture):
            config["PIP_EXTRA_INDEX_URL"] = stack.enter_context(TorchIndex()).url
        yield Asked(fixture, python or None, config)


def report_of(app: Asked) -> dict[str, Any]:
    """Build it, and return the build's own report. Raises BuildFailed."""
    with TemporaryDirectory() as tools:
        buildpacks = (HEROKU_PYTHON, _buildpack(Path(tools)), SLUGFIT)
        made = App(app.fixture, buildpacks=buildpacks, config=app.config, python=app.python)
        with made as built:
            built.push()
            text = (built.build_dir / ".slugfit" / "report.json").read_text()
    report: dict[str, Any] = json.loads(text)
    return report


def _buildpack(root: Path) -> Path:
    """What completes the stand-in for heroku/python."""
    (root / "bin").mkdir()
    for name, script in {"detect": "#!/bin/sh\necho tools\n", "compile": _TOOLS}.items():
        file = root / "bin" / name
        file.write_text(script)
        file.chmod(0o755)
    return root


def _variables(fixture: str) -> Mapping[str, Any]:
    """The config vars that the fixture's app.json sets."""
    file = FIXTURES / fixture / "app.json"
    variables: Mapping[str, Any] = json.loads(file.read_text())["env"] if file.exists() else {}
    return variables
