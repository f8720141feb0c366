"""The local Heroku, as the tests use it.

    with App("flask_tflite", config={"AWS_REGION": "eu-west-1"}) as app:
        app.deploy()
        assert "-----> Python app detected" in app.output
        assert app.get("/").status == 200

How it does that is told in `slugfit.local.heroku`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from slugfit.local.buildpack import SLUGFIT
from slugfit.local.heroku_app import App as LocalApp
from slugfit.local.release import SlugLimits
from support.installs import with_packages
from support.paths import FIXTURES, PYTHONS, SHARED_CACHE


class App(LocalApp):
    """An app on the local Heroku; its Pythons and wheels are those of all tests.

    The fixture is the name of a directory in test/fixtures, or a path; the options are LocalApp's.
    By default, the packages of its Python come from `support.installs`.
    """

    def __init__(self, fixture: str | Path, **options: Any) -> None:
        SHARED_CACHE.mkdir(exist_ok=True)
        self._scratch = tempfile.TemporaryDirectory(dir=SHARED_CACHE)
        shared = {"pythons": PYTHONS, "wheels": SHARED_CACHE / "wheels", "environ": os.environ}
        if "PIP_EXTRA_INDEX_URL" not in options.get("config", {}):
            shared["buildpacks"] = (with_packages(Path(self._scratch.name)), SLUGFIT)
        # gzip -6 takes three times as long.
        shared["slug_limits"] = SlugLimits(gzip_level=1)
        super().__init__(FIXTURES / fixture, **{**shared, **options})

    def close(self) -> None:
        super().close()
        self._scratch.cleanup()
