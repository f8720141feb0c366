"""Decides what to do about each model, from the settings and the cache. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from slugfit.base.errors import Explanation, Failure
from slugfit.base.files import inside
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores.location import AppFile


class Action(Enum):
    """How a model gets into the app."""

    REUSE = "pinned and cached: no request"
    REVALIDATE = "cached: ask the store whether it changed"
    FETCH = "not cached: fetch"
    LINK = "a file of the app: link"


@dataclass(frozen=True)
class Cached:
    """What the cache knows of a source: the content it had, and the store's ETag for it.

    For a directory, `manifest` is the sha256 of its list of files; `sha256` is the same, or that of
    the archive that the files were unpacked from. `journal` is the sha256 of the record of each
    file's version in the store, if that is where they are from.
    """

    sha256: str
    bytes: int
    etag: str | None = None
    manifest: str | None = None
    journal: str | None = None


@dataclass(frozen=True)
class CacheContents:
    """Contents by source, the sha256 of every stored content, and unpacked archives by theirs."""

    sources: Mapping[str, Cached]
    stored: frozenset[str]
    unpacked: Mapping[str, Cached] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelStep:
    """One model's way into the app. `target` is inside the app and free.

    `cached` is what is known of the source; of a pinned model, the content to reuse, if there is.
    """

    model: ModelSettings
    action: Action
    target: Path
    cached: Cached | None = None

    @property
    def cache_key(self) -> str:
        """The key of the content: the source, and which of its files are fetched."""
        return cache_key_of(self.model)


@dataclass(frozen=True)
class FetchPlan:
    """What the build will do, in order."""

    models: tuple[ModelStep, ...]


class PathLeavesApp(Failure):
    """A path that leads out of the app by way of a symbolic link."""

    id = "plan::path-leaves-app"

    def __init__(self, path: str, leads_to: str) -> None:
        self.path = path
        self.leads_to = leads_to

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's path leaves the app directory.",
            where=self.path,
            evidence=(f"leads to: {self.leads_to}",),
            why="A symbolic link in the app leads out of it. What is written there is not\n"
            "part of the slug, and may belong to someone else.",
            fixes=(
                "Choose another path for the model in the configuration.",
                "Replace the symbolic link by a directory, and commit that.",
            ),
        )


class PathTaken(Failure):
    """The app has a file where a model should go."""

    id = "plan::path-taken"

    def __init__(self, path: str, taken_by: str) -> None:
        self.path = path
        self.taken_by = taken_by

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app already has a file where a model should go.",
            where=self.path,
            evidence=(f"taken by: {self.taken_by}",),
            why="Slugfit never overwrites a file of the app.",
            fixes=(
                f"Remove the file from the repository:\ngit rm --cached {self.taken_by}",
                "Choose another path for the model in the configuration.",
            ),
        )


class SourceMissing(Failure):
    """A source is a path inside the app, and there is no such file."""

    id = "plan::source-missing"

    def __init__(self, source: str) -> None:
        self.source = source

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's source is not a file of the app.",
            where=self.source,
            why="A source without s3:// or https:// is a path inside the app.",
            fixes=(
                f"Commit the file:\ngit add --force {self.source}",
                "If .slugignore lists it, remove it there: that file is applied before\n"
                "buildpacks run.",
                "If it is in object storage, write its URL: s3://bucket/key",
            ),
        )


class DataMissing(Failure):
    """A file with arrays that a model's settings name is not in the app."""

    id = "plan::data-missing"

    def __init__(self, path: str, key: str, name: str) -> None:
        self.path = path
        self.key = key
        self.name = name

    def explain(self) -> Explanation:
        return Explanation(
            summary="The data for checking or converting a model is not in the app.",
            where=self.path,
            evidence=(f"{self.key}: {self.name}",),
            fixes=(
                f"Commit the file:\ngit add --force {self.name}",
                "If .slugignore lists it, remove it there: that file is applied before\n"
                "buildpacks run.",
            ),
        )


def make_plan(settings: Settings, cache: CacheContents, app: Path) -> FetchPlan:
    """What to do about each model, in the order of the configuration.

    Reads the app's tree, for paths that are taken or lead out of it. Raises
    PathLeavesApp, PathTaken, SourceMissing or DataMissing.
    """
    steps = tuple(_model_step(model, cache, app) for model in settings.models)
    _check_distinct(steps, app)
    return FetchPlan(steps)


def cache_key_of(model: ModelSettings) -> str:
    """The key of a model's content: the same for two models if they fetch the same."""
    options = {"include": model.include, "exclude": model.exclude, "unpack": model.unpack}
    given = {name: value for name, value in options.items() if value}
    written = model.source.written
    return f"{written}\n{json.dumps(given)}" if given else written


def _model_step(model: ModelSettings, cache: CacheContents, app: Path) -> ModelStep:
    target = _inside(app, model.path)
    for key, name in _data_of(model):
        if not _inside(app, name).is_file():
            raise DataMissing(model.path, key, name)
    if isinstance(model.source, AppFile):
        source = _inside(app, model.source.path)
        if not source.is_file():
            raise SourceMissing(model.source.path)
        if not source.resolve().is_relative_to(app.resolve()):
            raise PathLeavesApp(model.source.path, str(source.resolve()))
        if source != target:
            _check_free(app, target)
        return ModelStep(model, Action.LINK, target)
    _check_free(app, target)
    cached = cache.sources.get(cache_key_of(model))
    if model.sha256:
        pinned = _pinned(model, model.sha256, cached, cache)
        return ModelStep(model, Action.REUSE if pinned else Action.FETCH, target, pinned or cached)
    revalidates = cached and cached.etag and (cached.manifest or cached.sha256) in cache.stored
    return ModelStep(model, Action.REVALIDATE if revalidates else Action.FETCH, target, cached)


def _data_of(model: ModelSettings) -> Iterator[tuple[str, str]]:
    """The data files that a model's settings name, each with its key."""
    named = {
        "check.input": model.check.input,
        "check.reference": model.check.reference,
        "convert.representative": model.convert and model.convert.representative,
    }
    yield from ((key, name) for key, name in named.items() if name)


def _pinned(
    model: ModelSettings, sha256: str, cached: Cached | None, cache: CacheContents
) -> Cached | None:
    """The stored content with this checksum, whichever source it is from."""
    known = cached if cached and cached.sha256 == sha256 else None
    if model.unpack:
        return known or cache.unpacked.get(sha256)
    if sha256 not in cache.stored:
        return None
    return known or Cached(sha256, 0, manifest=sha256 if model.source.is_prefix else None)


def _inside(app: Path, relative: str) -> Path:
    path = inside(app, relative)
    if path is None:
        raise PathLeavesApp(relative, str((app / relative).parent.resolve()))
    return path


def _check_distinct(steps: tuple[ModelStep, ...], app: Path) -> None:
    """Two paths can lead to the same file through a symbolic link in the app."""
    taken: dict[Path, str] = {}
    for step in steps:
        real = step.target.parent.resolve() / step.target.name
        path = str(step.target.relative_to(app))
        if real in taken:
            raise PathTaken(path, taken[real])
        taken[real] = path


def _check_free(app: Path, target: Path) -> None:
    below_app = [target, *target.parents][: len(target.relative_to(app).parts)]
    for path in below_app:
        is_in_the_way = path == target or not path.is_dir()
        if is_in_the_way and (path.exists() or path.is_symlink()):
            raise PathTaken(str(target.relative_to(app)), str(path.relative_to(app)))
