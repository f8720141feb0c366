"""The main job: a model from S3, a slimmer slug within its budget, a prediction from a dyno."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from slugfit.local.buildpack import SLUGFIT
from slugfit.local.release import SlugLimits
from support.fixtures import BUCKET, KEY, MakeApp, own_log
from support.heroku import App
from support.installs import with_packages
from support.paths import DIGITS
from support.s3 import S3Server
from support.snapshot import snapshot

FIRST_BUILD = """\
-----> Installing Slugfit's own dependencies into the build cache
-----> Reading configuration from slugfit.toml
-----> Installing Slugfit's client for S3 into the build cache
-----> Fetching models/digits.tflite (<size>)
       from s3://slugfit-models/digits/digits.tflite
       <size> in <time>, <rate>
-----> Loading models/digits.tflite in tflite-runtime 2.14.0
{the rest}"""

REBUILD = """\
-----> Reading configuration from slugfit.toml
-----> Using cached models/digits.tflite (<size>)
-----> Using cached verdict for models/digits.tflite
{the rest}"""

THE_REST = """\
       Loads in tflite-runtime 2.14.0: <times>, memory <size>
       input: "input_1" float32 [?, 8, 8, 1]
       output: "dense_1" float32 [?, 10]
       A gunicorn worker with the model needs about <size>. Workers per dyno:
       Eco, Basic, Standard-1X: <n>; Standard-2X: <n>
-----> Stripping site-packages
<table>
       Verified <packages> by importing them
       Verified: import app
       Verified: import gunicorn.app.wsgiapp
       Verified: models/digits.tflite loads
-----> Measuring the slug
<table>

<table>
       Slug: <size> compressed, <size> unpacked
       Before stripping: <size> compressed, <size> unpacked
       Boot: about <time> to download (at <size>/s) and unpack the slug
       Limit: <size> compressed"""


@dataclass(frozen=True)
class Built:
    """An app that was built once; `witness` is a copy of what heroku/python had cached then."""

    app: App
    log: str
    requests: int
    witness: Path


@pytest.fixture(scope="module")
def built(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    s3_server.put(BUCKET, KEY, DIGITS / "digits.tflite")
    s3_server.forget_requests()
    scratch = tmp_path_factory.mktemp("main-job")
    # New inodes of what heroku/python has cached, from just before our compile.
    script = f"rm -rf {scratch}/then; cp -a $2/.heroku {scratch}/then"
    (scratch / "witness/bin").mkdir(parents=True)
    for name, text in {"detect": "echo witness", "compile": script}.items():
        (scratch / "witness/bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (scratch / "witness/bin" / name).chmod(0o755)
    buildpacks = [with_packages(scratch), scratch / "witness", SLUGFIT]
    as_on_heroku = SlugLimits()
    with App(
        "flask_tflite", buildpacks=buildpacks, config=s3_server.config, slug_limits=as_on_heroku
    ) as app:
        app.deploy()
        yield Built(app, own_log(app), len(s3_server.requests), scratch / "then")


def is_as_heroku_python_left_it(built: Built) -> bool:
    """Whether the cache is, and shares its files with the app: a write in place would be seen."""
    [flask] = (built.app.build_dir / ".heroku/python").glob("lib/*/site-packages/flask/app.py")
    assert flask.samefile(built.app.cache_dir / flask.relative_to(built.app.build_dir))
    return snapshot(built.app.cache_dir / ".heroku") == snapshot(built.witness)


def test_the_first_build_fetches_strips_and_measures_and_the_dyno_predicts(built: Built) -> None:
    app = built.app
    assert built.log == FIRST_BUILD.replace("{the rest}", THE_REST)
    assert built.requests == 1
    assert is_as_heroku_python_left_it(built)

    report = json.loads((app.build_dir / ".slugfit/report.json").read_text())
    assert report == json.loads((app.cache_dir / "slugfit/report.json").read_text())
    assert report["slug"]["compressed_bytes"] == pytest.approx(app.slug.compressed_bytes, rel=0.02)

    held_out = json.loads((DIGITS / "held_out.json").read_text())
    agreeing = 0
    for digit in held_out:
        answer = app.post("/predict", json={"image": digit["image"]}).json()
        agreeing += answer["digit"] == digit["float_prediction"]
    assert agreeing / len(held_out) >= 0.99


def test_a_rebuild_with_nothing_changed_asks_nobody_for_a_pinned_model(
    built: Built, s3: S3Server
) -> None:
    app = built.app
    s3.forget_requests()
    app.push()
    assert own_log(app) == REBUILD.replace("{the rest}", THE_REST)
    assert s3.requests == []
    assert is_as_heroku_python_left_it(built)
    assert app.reports["slugfit"]["cache_status"] == "hit"
    assert app.get("/").status == 200


def test_the_model_is_linked_and_not_copied_into_the_app(make_app: MakeApp, s3: S3Server) -> None:
    app = make_app("settings_in_pyproject", config=s3.config)
    app.deploy()
    sha256 = json.loads((app.cache_dir / "slugfit/report.json").read_text())["models"][0]["sha256"]
    cached = app.cache_dir / "slugfit/models/sha256" / sha256
    assert os.path.samefile(app.build_dir / "models/digits.tflite", cached)


def test_record_lists_exactly_the_files_that_are_left(make_app: MakeApp) -> None:
    app = make_app("settings_absent")
    app.deploy()
    script = (
        "import importlib.metadata as m, pathlib;"
        "files = [f for d in m.distributions() for f in d.files or ()];"
        "print(len(files), [str(f) for f in files if not f.locate().exists()])"
    )
    count, missing = app.run(f'python -c "{script}"').output.split(maxsplit=1)
    assert int(count) > 400
    assert missing.strip() == "[]"
