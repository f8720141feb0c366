"""The plan says what will happen to each model, and refuses what may not happen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from slugfit.fetch.plan import (
    Action,
    CacheContents,
    Cached,
    DataMissing,
    FetchPlan,
    ModelStep,
    PathLeavesApp,
    PathTaken,
    SourceMissing,
    cache_key_of,
    make_plan,
)
from slugfit.settings.model import CheckSettings, ConvertSettings, ModelSettings, Settings
from support.build_log import error_text
from support.snapshot import snapshot
from support.sources import model_from

ONE = "1" * 64
TWO = "2" * 64
URL = "s3://bucket/digits.tflite"
EMPTY = CacheContents({}, frozenset())


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with a file, a directory, and a link out of it."""
    app = tmp_path / "app"
    (app / "data").mkdir(parents=True)
    (app / "Procfile").write_text("web: gunicorn app:app\n")
    (app / "data" / "own.bin").write_bytes(b"weights")
    (tmp_path / "outside").mkdir()
    (app / "out").symlink_to(tmp_path / "outside")
    (app / "within").symlink_to("data")
    (app / "dangling").symlink_to("missing")
    return app


def plan_for(app: Path, *models: ModelSettings, cache: CacheContents = EMPTY) -> FetchPlan:
    """A plan for these models."""
    return make_plan(Settings(models=models), cache, app)


CACHED_ONE = Cached(ONE, 1_000, '"etag-1"')


@pytest.mark.parametrize(
    ("pin", "cached", "stored", "action"),
    [
        pytest.param(None, None, set(), Action.FETCH, id="never seen"),
        pytest.param(None, CACHED_ONE, {ONE}, Action.REVALIDATE, id="seen and still there"),
        pytest.param(None, CACHED_ONE, {TWO}, Action.FETCH, id="seen, content gone"),
        pytest.param(None, Cached(ONE, 1_000), {ONE}, Action.FETCH, id="seen, without ETag"),
        pytest.param(None, None, {ONE}, Action.FETCH, id="content of another source"),
        pytest.param(ONE, None, set(), Action.FETCH, id="pinned, never seen"),
        pytest.param(ONE, CACHED_ONE, {ONE}, Action.REUSE, id="pinned and there"),
        pytest.param(ONE, None, {ONE}, Action.REUSE, id="pinned, content of another source"),
        pytest.param(ONE, Cached(ONE, 1_000), {ONE}, Action.REUSE, id="pinned, without ETag"),
        pytest.param(ONE, CACHED_ONE, set(), Action.FETCH, id="pinned, content gone"),
        pytest.param(TWO, CACHED_ONE, {ONE}, Action.FETCH, id="pinned anew"),
    ],
)
def test_what_is_cached_decides_how_a_model_comes(
    app: Path, pin: str | None, cached: Cached | None, stored: set[str], action: Action
) -> None:
    model = model_from(URL, "models/digits.tflite", pin)
    sources = {URL: cached} if cached else {}
    plan = plan_for(app, model, cache=CacheContents(sources, frozenset(stored)))
    if action is Action.REUSE and cached is None:
        cached = Cached(ONE, 0)  # how large it is, the store will tell
    assert plan.models == (ModelStep(model, action, app / "models/digits.tflite", cached),)


class Many(NamedTuple):
    """What is known of a model of many files, and what the plan makes of it."""

    pin: str | None
    cached: Cached | None
    stored: str
    action: Action
    reused: Cached | None
    unpacked: Mapping[str, Cached] = {}


PREFIX = "s3://bucket/model/"
LIST = Cached(ONE, 1_000, "etag", manifest=ONE, journal=TWO)
HELD = Cached(ONE, 1_000, "etag", manifest=TWO)


def check_many(app: Path, model: ModelSettings, case: Many) -> None:
    sources = {cache_key_of(model): case.cached} if case.cached else {}
    contents = CacheContents(sources, frozenset([case.stored]), case.unpacked)
    plan = plan_for(app, model, cache=contents)
    assert plan.models == (ModelStep(model, case.action, app / model.path, case.reused),)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Many(None, None, TWO, Action.FETCH, None), id="never seen"),
        pytest.param(Many(None, LIST, ONE, Action.REVALIDATE, LIST), id="seen and still there"),
        pytest.param(Many(None, LIST, TWO, Action.FETCH, LIST), id="seen, list gone"),
        pytest.param(Many(ONE, LIST, ONE, Action.REUSE, LIST), id="pinned and there"),
        pytest.param(
            Many(ONE, None, ONE, Action.REUSE, Cached(ONE, 0, manifest=ONE)),
            id="pinned, content of another source",
        ),
        pytest.param(Many(TWO, LIST, ONE, Action.FETCH, LIST), id="pinned anew"),
    ],
)
def test_a_directory_is_cached_as_its_list_of_files(app: Path, case: Many) -> None:
    check_many(app, model_from(PREFIX, "models/many", case.pin), case)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Many(None, HELD, TWO, Action.REVALIDATE, HELD), id="seen and still there"),
        pytest.param(Many(None, HELD, ONE, Action.FETCH, HELD), id="only packed"),
        pytest.param(Many(ONE, HELD, TWO, Action.REUSE, HELD), id="pinned and there"),
        pytest.param(
            Many(ONE, None, TWO, Action.REUSE, HELD, {ONE: HELD}),
            id="pinned, content of another source",
        ),
        pytest.param(Many(ONE, None, ONE, Action.FETCH, None), id="pinned, only packed"),
        pytest.param(Many(TWO, HELD, TWO, Action.FETCH, HELD), id="pinned to its list"),
    ],
)
def test_an_archive_is_cached_as_what_it_held(app: Path, case: Many) -> None:
    check_many(app, model_from("s3://bucket/m.tgz", "models/m", case.pin, unpack=True), case)


def test_models_of_one_content_have_one_source() -> None:
    one = model_from(URL, "a", ONE, authorization="Bearer 1", requester_pays=True)
    assert cache_key_of(one) == cache_key_of(model_from(URL, "b")) == URL


@pytest.mark.parametrize(
    ("source", "options", "name"),
    [
        ("s3://b/a%20b", {}, "s3://b/a%20b"),
        ("hf://org/name/", {}, "hf://org/name/"),
        ("https://host/m?sig=1#part", {}, "https://host/m?sig=1#part"),
        ("gs://b/d/", {"exclude": ("x",)}, 'gs://b/d/\n{"exclude": ["x"]}'),
        ("s3://b/m.tgz", {"unpack": True}, 's3://b/m.tgz\n{"unpack": true}'),
    ],
)
def test_a_source_is_named_as_in_the_caches_that_builds_already_have(
    source: str, options: dict[str, Any], name: str
) -> None:
    # Not in the one spelling of its URL: a build would then fetch again what it has.
    assert cache_key_of(model_from(source, "m", **options)) == name


def test_whatever_makes_another_content_makes_another_source() -> None:
    models = [
        model_from(PREFIX, "a"),
        model_from(PREFIX, "a", include=("b", "c")),
        model_from(PREFIX, "a", include=("b",)),
        model_from(PREFIX, "a", include=("b c",)),
        model_from(PREFIX, "a", exclude=("b",)),
        model_from(PREFIX, "a", unpack=True),
        model_from(URL, "a"),
    ]
    assert len({cache_key_of(model) for model in models}) == len(models)


def test_the_models_keep_their_order(app: Path) -> None:
    models = tuple(model_from(f"s3://bucket/{name}", f"models/{name}") for name in "zax")
    plan = plan_for(app, *models)
    assert [step.model for step in plan.models] == list(models)


def test_planning_changes_nothing(app: Path) -> None:
    before = snapshot(app)
    plan_for(app, model_from(URL, "new/deep/m.bin"), model_from("data/own.bin", "m/own.bin"))
    assert snapshot(app) == before


def test_a_file_of_the_app_is_linked(app: Path) -> None:
    model = model_from("data/own.bin", "models/own.bin")
    assert plan_for(app, model).models == (
        ModelStep(model, Action.LINK, app / "models/own.bin", None),
    )


@pytest.mark.parametrize("path", ["data/own.bin", "./data//own.bin"])
def test_a_file_of_the_app_may_be_a_model_where_it_stands(app: Path, path: str) -> None:
    model = model_from("data/own.bin", path)
    assert plan_for(app, model).models == (
        ModelStep(model, Action.LINK, app / "data" / "own.bin", None),
    )


@pytest.mark.parametrize("path", ["m.bin", "data/m.bin", "new/m.bin", "within/m.bin"])
def test_a_free_place_is_taken_as_it_is(app: Path, path: str) -> None:
    [step] = plan_for(app, model_from(URL, path)).models
    assert step.target == app / path


def test_a_path_through_a_link_out_of_the_app_is_refused(app: Path) -> None:
    with pytest.raises(PathLeavesApp) as caught:
        plan_for(app, model_from(URL, "out/deep/digits.tflite"))
    assert (
        error_text(caught.value)
        == f"""\
Error: A model's path leaves the app directory.

out/deep/digits.tflite
leads to: {app.parent / "outside" / "deep"}

A symbolic link in the app leads out of it. What is written there is not
part of the slug, and may belong to someone else.

To fix this:
1. Choose another path for the model in the configuration.
2. Replace the symbolic link by a directory, and commit that.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#planpath-leaves-app
"""
    )
    assert str(caught.value) == "A model's path leaves the app directory: out/deep/digits.tflite"


def test_a_source_through_a_link_out_of_the_app_is_refused(app: Path) -> None:
    (app.parent / "outside" / "secret.bin").write_bytes(b"secret")
    with pytest.raises(PathLeavesApp) as caught:
        plan_for(app, model_from("out/secret.bin", "models/m.bin"))
    assert caught.value.path == "out/secret.bin"


def test_a_source_that_is_a_link_out_of_the_app_is_refused(app: Path) -> None:
    (app.parent / "outside" / "secret.bin").write_bytes(b"secret")
    (app / "data" / "link.bin").symlink_to(app.parent / "outside" / "secret.bin")
    with pytest.raises(PathLeavesApp) as caught:
        plan_for(app, model_from("data/link.bin", "models/m.bin"))
    assert caught.value.path == "data/link.bin"


def test_a_file_of_the_app_is_never_overwritten(app: Path) -> None:
    with pytest.raises(PathTaken) as caught:
        plan_for(app, model_from(URL, "data/own.bin"))
    assert (
        error_text(caught.value)
        == """\
Error: The app already has a file where a model should go.

data/own.bin
taken by: data/own.bin

Slugfit never overwrites a file of the app.

To fix this:
1. Remove the file from the repository:
   git rm --cached data/own.bin
2. Choose another path for the model in the configuration.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#planpath-taken
"""
    )
    assert str(caught.value) == "The app already has a file where a model should go: data/own.bin"


@pytest.mark.parametrize(
    ("path", "taken_by"),
    [
        pytest.param("Procfile/m.bin", "Procfile", id="below a file"),
        pytest.param("Procfile/deep/m.bin", "Procfile", id="deep below a file"),
        pytest.param("data", "data", id="a directory"),
        pytest.param("out", "out", id="a link out of the app"),
        pytest.param("within", "within", id="a link to a directory"),
        pytest.param("within/own.bin", "within/own.bin", id="a file, by way of a link"),
        pytest.param("dangling", "dangling", id="a link to nothing"),
    ],
)
def test_whatever_stands_where_a_model_should_go_is_named(
    app: Path, path: str, taken_by: str
) -> None:
    with pytest.raises(PathTaken) as caught:
        plan_for(app, model_from(URL, path))
    assert (caught.value.path, caught.value.taken_by) == (path, taken_by)


def test_a_path_below_a_link_to_nothing_is_refused(app: Path) -> None:
    with pytest.raises(PathTaken) as caught:
        plan_for(app, model_from(URL, "dangling/m.bin"))
    assert (caught.value.path, caught.value.taken_by) == ("dangling/m.bin", "dangling")


def test_a_file_of_the_app_does_not_take_the_place_of_another(app: Path) -> None:
    with pytest.raises(PathTaken) as caught:
        plan_for(app, model_from("data/own.bin", "Procfile"))
    assert caught.value.taken_by == "Procfile"


def test_two_models_that_meet_by_way_of_a_link_are_refused(app: Path) -> None:
    with pytest.raises(PathTaken):
        plan_for(
            app,
            model_from("s3://bucket/one", "data/m.bin"),
            model_from("s3://bucket/two", "within/m.bin"),
        )


@pytest.mark.parametrize("source", ["data/missing.bin", "data", "dangling"])
def test_a_source_that_is_no_file_of_the_app_is_missing(app: Path, source: str) -> None:
    with pytest.raises(SourceMissing) as caught:
        plan_for(app, model_from(source, "models/m.bin"))
    assert (
        error_text(caught.value)
        == f"""\
Error: A model's source is not a file of the app.

{source}

A source without s3:// or https:// is a path inside the app.

To fix this:
1. Commit the file:
   git add --force {source}
2. If .slugignore lists it, remove it there: that file is applied before
   buildpacks run.
3. If it is in object storage, write its URL: s3://bucket/key

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#plansource-missing
"""
    )
    assert str(caught.value) == f"A model's source is not a file of the app: {source}"


@pytest.mark.parametrize(
    ("model", "key", "name"),
    [
        (
            model_from(URL, "m", check=CheckSettings(input="check/in.npz")),
            "check.input",
            "check/in.npz",
        ),
        (
            model_from(URL, "m", check=CheckSettings(input="data/own.bin", reference="out.npz")),
            "check.reference",
            "out.npz",
        ),
        (
            model_from(URL, "m", convert=ConvertSettings("tflite", "int8", "data/some.npz")),
            "convert.representative",
            "data/some.npz",
        ),
    ],
)
def test_data_that_is_not_in_the_app_is_missed_before_anything_is_fetched(
    app: Path, model: ModelSettings, key: str, name: str
) -> None:
    with pytest.raises(DataMissing) as caught:
        plan_for(app, model)
    assert (
        error_text(caught.value)
        == f"""\
Error: The data for checking or converting a model is not in the app.

m
{key}: {name}

To fix this:
1. Commit the file:
   git add --force {name}
2. If .slugignore lists it, remove it there: that file is applied before
   buildpacks run.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#plandata-missing
"""
    )
