"""Which requirements an app's own files never speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.audit.app_context import app_context_of
from slugfit.audit.proposals import AppContext
from slugfit.audit.usage import Usage, unmentioned_requirements, usage_of
from slugfit.packages.distributions import installed
from slugfit.packages.graph import Graph
from slugfit.settings.model import ConvertSettings, Settings, StripSettings
from slugfit.slug.contents import Slug
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from support.packages import Site
from support.sources import model_from

NAMES = ("Pillow", "flask", "gunicorn", "lightgbm", "plugged", "started", "used_by_others")
GRAPH = Graph(
    direct={name.lower().replace("_", "-"): "requirements.txt" for name in NAMES},
    requires={name.lower().replace("_", "-"): () for name in NAMES},
    optional=frozenset(["used-by-others"]),
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.install("Pillow", {"PIL/__init__.py": ""})
    site.install("flask", {"flask/__init__.py": ""})
    site.install("lightgbm", {"lightgbm/__init__.py": ""})
    site.install("used_by_others", {"used/__init__.py": ""})
    site.install("started", {"started.py": "", "started.pth": "import started"})
    info = site.install("gunicorn", {"unlisted/__init__.py": ""})
    site.write(f"{info}/entry_points.txt", "[console_scripts]\ngunicorn-run = unlisted:run\n")
    info = site.install("plugged", {"plugin/__init__.py": ""})
    site.write(f"{info}/entry_points.txt", "[flask.commands]\nx = plugin:x\n")
    return site


def write(app: Path, **files: str) -> None:
    for name, content in files.items():
        (app / name.replace("__", "/").replace("_dot_", ".")).parent.mkdir(exist_ok=True)
        (app / name.replace("__", "/").replace("_dot_", ".")).write_text(content)


def silent(site: Site) -> tuple[str, ...]:
    return unmentioned_requirements(site.root, installed(site.root), GRAPH, usage_of(site.app))


def test_what_is_imported_run_named_or_found_is_not_silent(site: Site) -> None:
    write(
        site.app,
        app_dot_py="from flask import Flask\nimport PIL.Image\n",
        Procfile="web: gunicorn-run",
    )
    write(site.app, pyproject_dot_toml='dependencies = ["lightgbm"]')
    assert silent(site) == ("lightgbm",)
    write(site.app, conf_dot_yaml="engine: lightgbm")
    assert silent(site) == ()


def test_what_only_tests_import_is_spoken_of(site: Site) -> None:
    write(site.app, app_dot_py="import flask, PIL", Procfile="web: gunicorn")
    write(site.app, tests__test_app_dot_py="import lightgbm")
    assert silent(site) == ()
    assert "lightgbm" not in usage_of(site.app).words_without_tests


def test_of_an_app_without_a_word_nothing_is_known(site: Site) -> None:
    write(site.app, pyproject_dot_toml="")
    assert usage_of(site.app) == Usage()
    assert silent(site) == ()


def test_an_app_with_a_lock_of_uv_is_changed_with_uv(site: Site) -> None:
    write(site.app, uv_dot_lock="", pyproject_dot_toml="")
    assert app_context_of(site.app, site.root, Slug({}, Weight()), Settings()).manager == "uv"


def test_the_situation_of_an_app(site: Site) -> None:
    write(site.app, app_dot_py="import flask, PIL, IPython", Procfile="web: gunicorn")
    site.install("pip", {"pip/__init__.py": "x" * 3000})
    pip = Item("distribution", "pip", "1.0")
    slug = Slug({pip: Weight(6000, 2000)}, Weight(), graph=GRAPH)
    done = model_from("s3://b/m", "models/m", convert=ConvertSettings("onnx", "int8"))
    float_ = model_from("s3://b/n", "models/n", convert=ConvertSettings("onnx"))
    settings = Settings(models=(done, float_))
    assert app_context_of(site.app, site.root, slug, settings) == AppContext(
        manager="pip",
        unmentioned=("lightgbm",),
        mentioned=frozenset(["import", "flask", "pil", "ipython", "web", "gunicorn"]),
        max_level_bytes=1000,
        quantized=frozenset(["models/m"]),
    )
    most = Settings(strip=StripSettings(level="max"))
    assert app_context_of(site.app, site.root, slug, most).max_level_bytes == 0
