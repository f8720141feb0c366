"""What the tests of the forecast share: a question to a local index, and apps."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from slugfit.forecast.forecast import Prediction, PredictRequest, predict
from slugfit.forecast.indexes import Indexes
from slugfit.forecast.resolve import Resolver
from slugfit.forecast.uv import Uv
from slugfit.packages.target import Machine
from slugfit.settings.model import Settings
from support.package_index import PackageIndex

UV = Path(sys.executable).with_name("uv")


def environ_for(index: PackageIndex, home: Path) -> dict[str, str]:
    """The variables of somebody whose pip uses `index`."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PIP_INDEX_URL": index.simple}
    return environ | {"PIP_CONFIG_FILE": os.devnull, "UV_HTTP_RETRIES": "0"}


def write_app(directory: Path, **files: str) -> Path:
    """An app of these files; in their names, `__` is a dot."""
    app = directory / "app"
    app.mkdir(exist_ok=True)
    for name, text in files.items():
        (app / name.replace("__", ".")).write_text(text)
    return app


def resolver_for(index: PackageIndex, scratch: Path, minor: int = 12) -> Resolver:
    indexes = Indexes.of(environ_for(index, scratch))
    return Resolver(Uv(UV, scratch / "uv-cache", indexes), Machine(minor, 39))


def forecast(
    app: Path, index: PackageIndex, scratch: Path, settings: Settings | None = None
) -> Prediction:
    return predict(
        PredictRequest(
            app=app,
            stack="heroku-24",
            python="3.12",
            settings=settings or Settings(),
            uv=UV,
            cache=scratch / "cache",
            environ=environ_for(index, scratch),
        )
    )
