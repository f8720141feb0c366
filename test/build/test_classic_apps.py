"""The classic apps: complete ones to copy, built, booted, and asked for every held-out digit.

flask_tensorflow, too large for these tests, is built by `make bench-models`.
"""

from __future__ import annotations

import json
import re
import shutil

import pytest

from slugfit.app.python_version import PythonVersion
from support.digits import agreement, reference
from support.fixtures import BUCKET, MakeApp, own_log
from support.heroku import App
from support.paths import DIGITS, FIXTURES
from support.s3 import S3Server
from support.torch_index import NoWheelError, TorchIndex

# What the comparison adds to the line of a conversion.
CHECKED = r"top-1 agreement \d+\.\d% on 360 samples"


@pytest.fixture
def models(s3: S3Server) -> S3Server:
    """The server, with all models of digits in the bucket."""
    for name in ("digits.h5", "digits.keras", "digits.onnx", "digits.pt"):
        s3.put(BUCKET, f"digits/{name}", DIGITS / name)
    s3.forget_requests()
    return s3


def test_a_keras_model_is_quantized_and_served_by_tflite_runtime(models: S3Server) -> None:
    with App("flask_tflite_from_keras", config=models.config) as app:
        app.deploy()
        log = own_log(app)
        assert "-----> Fetching " in log
        assert "-----> Converting digits.h5 to TFLite, dynamic range" in log
        assert re.search(rf"digits\.h5 .* → digits\.tflite .*, {CHECKED}", app.output)
        assert len(models.requests) == 1

        # What fetched, converted and compared is no part of the slug.
        assert not [n for n in app.slug.names() if "site-packages/tensorflow" in n or ".h5" in n]
        size = (app.build_dir / "models/digits.tflite").stat().st_size
        assert size < (DIGITS / "digits.h5").stat().st_size / 3
        assert agreement(app.post, reference("flask_tflite_from_keras")) >= 0.99
        assert app.get("/").json()["runtime"] == "tflite_runtime"

        models.forget_requests()
        app.push()
        log = own_log(app)
        assert "-----> Using cached conversion of digits.h5 to TFLite, dynamic range" in log
        assert "Fetching" not in log
        assert "Converting" not in log
        assert "Installing" not in log
        assert models.requests == []
        assert app.run("python -m unittest").succeeded


def test_what_keras_3_has_written_is_served_by_litert(make_app: MakeApp, models: S3Server) -> None:
    app = make_app("flask_tflite_from_keras", config=models.config, python=PythonVersion(12))
    settings = app.source_dir / "slugfit.toml"
    text = settings.read_text().replace("digits.h5", "digits.keras")
    settings.write_text(re.sub(r"sha256.*\n", "", text))
    app.deploy()
    assert re.search(rf"digits\.keras .* → digits\.tflite .*, {CHECKED}", app.output)
    assert agreement(app.post, reference("flask_tflite_from_keras")) >= 0.99
    assert app.get("/").json()["runtime"] == "ai_edge_litert"


def test_a_scikit_learn_network_is_quantized_and_served_by_onnx_runtime(
    make_app: MakeApp, models: S3Server
) -> None:
    app = make_app("flask_onnx", config=models.config)
    app.deploy()
    assert re.search(rf"digits\.onnx .* → digits\.onnx .*, {CHECKED}", app.output)
    size = (app.build_dir / "models/digits.onnx").stat().st_size
    assert size < (DIGITS / "digits.onnx").stat().st_size / 3
    assert agreement(app.post, reference("flask_onnx")) >= 0.99
    assert app.run("python -m unittest").succeeded


def test_a_build_is_refused_whose_model_answers_otherwise_than_the_reference(
    make_app: MakeApp, models: S3Server
) -> None:
    app = make_app("flask_onnx", config=models.config)
    # The answers of another network: right, mostly, and not this one's.
    other = FIXTURES / "flask_torchscript" / "check" / "expected.npz"
    shutil.copyfile(other, app.source_dir / "check" / "expected.npz")
    app.deploy()
    assert not app.succeeded
    assert app.reports["slugfit"]["failure_reason"] == "check::inaccurate"


def test_torchscript_is_served_by_pytorch_for_processors(
    make_app: MakeApp, models: S3Server
) -> None:
    try:
        index = TorchIndex()
    except NoWheelError as absent:
        pytest.skip(str(absent))
    with index:
        config = {**models.config, "PIP_EXTRA_INDEX_URL": index.url}
        app = make_app("flask_torchscript", config=config)
        app.deploy()
    assert app.succeeded
    assert "torch-2.13.0+cpu" in app.output
    report = json.loads((app.build_dir / ".slugfit/report.json").read_text())
    assert [model["path"] for model in report["models"]] == ["models/digits.pt"]
    assert agreement(app.post, reference("flask_torchscript")) >= 0.99


@pytest.mark.parametrize("fixture", sorted(path.name for path in FIXTURES.glob("flask_*")))
def test_an_app_json_has_the_buildpacks_in_order_and_the_key_for_the_bucket(fixture: str) -> None:
    app = json.loads((FIXTURES / fixture / "app.json").read_text())
    urls = [buildpack["url"] for buildpack in app["buildpacks"]]
    assert urls == ["heroku/python", "https://github.com/slugfit/slugfit"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} <= set(app["env"])
    secret = [name for name in app["env"] if "value" in app["env"][name] and "KEY" in name]
    assert secret == []
