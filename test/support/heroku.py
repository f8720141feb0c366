"""The local Heroku, as the tests use it.

    with App("flask_tflite", config={"AWS_REGION": "eu-west-1"}) as app:
        app.deploy()
        assert "-----> Python app detected" in app.output
        assert app.get("/").status == 200

How it does that is told in `slugfit.local.heroku`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from slugfit.local.heroku_app import App as LocalApp
from support.paths import FIXTURES, PYTHONS, SHARED_CACHE


class App(LocalApp):
    """An app on the local Heroku; its Pythons and wheels are those of all tests.

    The fixture is the name of a directory in test/fixtures, or a path; the options are LocalApp's.
    """

    def __init__(self, fixture: str | Path, **options: Any) -> None:
        shared = {"pythons": PYTHONS, "wheels": SHARED_CACHE / "wheels", "environ": os.environ}
        super().__init__(FIXTURES / fixture, **{**shared, **options})
