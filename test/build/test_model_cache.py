"""The models in the build cache, from one build to the next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fixtures import BUCKET, MakeApp, own_log
from support.heroku import App
from support.http import Reply, ScriptedServer
from support.s3 import S3Server

OLD, NEW = b"old weights" * 100, b"new weights" * 120


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/m.bin": Reply(OLD, etag='"old"')}) as server:
        yield server


def deployed(make_app: MakeApp, models: str, **config: str) -> App:
    config = {"SLUGFIT_MODELS": models, "SLUGFIT_STRIP_LEVEL": "off", **config}
    app = make_app("settings_absent", config=config, allow_failure=False)
    app.deploy()
    return app


def contents(app: App) -> list[Path]:
    return sorted((app.cache_dir / "slugfit/models/sha256").iterdir())


def outcomes(app: App) -> list[str]:
    report = json.loads((app.cache_dir / "slugfit/report.json").read_text())
    return [model["outcome"] for model in report["models"]]


def test_an_unpinned_model_is_revalidated_by_its_etag(
    make_app: MakeApp, web: ScriptedServer
) -> None:
    app = deployed(make_app, web.url("/m.bin"))
    web.forget_requests()
    app.push()
    assert [request.headers.get("If-None-Match") for request in web.requests] == ['"old"']
    assert outcomes(app) == ["unchanged"]
    assert (
        f"-----> Using cached models/m.bin (1.1 KB)\n       {web.url('/m.bin')} has not changed\n"
        in (app.output)
    )
    assert (app.build_dir / "models/m.bin").read_bytes() == OLD


def test_an_object_that_was_replaced_is_fetched_and_the_old_content_dropped(
    make_app: MakeApp, web: ScriptedServer
) -> None:
    app = deployed(make_app, web.url("/m.bin"))
    web.set("/m.bin", Reply(NEW, etag='"new"'))
    app.push()
    assert outcomes(app) == ["fetched"]
    assert (app.build_dir / "models/m.bin").read_bytes() == NEW
    assert [path.name for path in contents(app)] == [hashlib.sha256(NEW).hexdigest()]


def test_an_object_in_s3_is_revalidated_too(make_app: MakeApp, s3: S3Server) -> None:
    s3.put(BUCKET, "m.bin", OLD)
    app = deployed(make_app, f"s3://{BUCKET}/m.bin", **s3.config)
    app.push()
    assert outcomes(app) == ["unchanged"]
    s3.put(BUCKET, "m.bin", NEW)
    app.push()
    assert outcomes(app) == ["fetched"]
    assert (app.build_dir / "models/m.bin").read_bytes() == NEW


def test_a_poisoned_content_heals_itself(make_app: MakeApp, web: ScriptedServer) -> None:
    pinned = f"{web.url('/m.bin')} -> m.bin sha256={hashlib.sha256(OLD).hexdigest()}"
    app = deployed(make_app, pinned)
    [content] = contents(app)
    content.write_bytes(OLD[:-1] + b"?")
    web.forget_requests()
    app.push()
    assert len(web.requests) == 1
    assert (app.build_dir / "m.bin").read_bytes() == OLD
    assert content.read_bytes() == OLD


def test_a_damaged_index_costs_a_fetch_and_nothing_else(
    make_app: MakeApp, web: ScriptedServer
) -> None:
    app = deployed(make_app, web.url("/m.bin"))
    (app.cache_dir / "slugfit/models/index.json").write_text('{"schema_version": 1, "sources": 3}')
    app.push()
    assert outcomes(app) == ["fetched"]
    app.push()
    assert outcomes(app) == ["unchanged"]


def test_a_model_that_the_configuration_no_longer_names_leaves_the_cache(
    make_app: MakeApp, web: ScriptedServer
) -> None:
    app = deployed(make_app, web.url("/m.bin"))
    assert len(contents(app)) == 1
    app.set_config({"SLUGFIT_MODELS": ""})
    app.push()
    assert contents(app) == []
    assert not (app.build_dir / "models").exists()


def test_one_content_under_two_names_is_stored_once_and_fetched_once_it_is_pinned(
    make_app: MakeApp, web: ScriptedServer
) -> None:
    digest = hashlib.sha256(OLD).hexdigest()
    line = web.url("/m.bin") + " -> {} sha256=" + digest
    app = deployed(make_app, line.format("a.bin"))
    web.forget_requests()
    app.set_config({"SLUGFIT_MODELS": line.format("a.bin") + "\n" + line.format("b.bin")})
    app.push()
    assert web.requests == []
    assert [path.name for path in contents(app)] == [digest]
    assert (app.build_dir / "b.bin").read_bytes() == OLD


def test_a_failed_build_keeps_the_models_of_the_last_good_one(
    make_app: MakeApp, web: ScriptedServer
) -> None:
    app = make_app(
        "settings_absent",
        config={"SLUGFIT_MODELS": web.url("/m.bin"), "SLUGFIT_STRIP_LEVEL": "off"},
    )
    app.deploy()
    web.set("/m.bin", Reply(NEW, etag='"new"'))
    app.set_config({"SLUGFIT_MODELS": f"{web.url('/m.bin')}\n{web.url('/gone')}"})
    app.push()
    assert not app.succeeded
    assert [path.read_bytes() for path in contents(app)] == [OLD]
    assert "-----> Fetching models/m.bin (<size>)" in own_log(app)
