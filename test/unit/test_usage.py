"""Which requirements an app's own files never speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.distributions import installed
from slugfit.settings.model import ConvertSettings, ModelSettings, Settings, StripSettings
from slugfit.slug.contents import Slug
from slugfit.slug.requirements.requirers import Graph
from slugfit.slug.smaller.managers import Manager, manager_of
from slugfit.slug.smaller.savings import Situation
from slugfit.slug.smaller.situation import situation_of
from slugfit.slug.smaller.usage import Usage, silent_requirements, usage_of
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from unit.packages import Site

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
    return silent_requirements(site.root, installed(site.root), GRAPH, usage_of(site.app))


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


@pytest.mark.parametrize(
    ("files", "manager"),
    [
        (["Pipfile", "requirements.txt"], "pipenv"),
        (["requirements.txt", "pyproject.toml", "poetry.lock"], "pip"),
        (["pyproject.toml", "poetry.lock"], "poetry"),
        (["pyproject.toml", "uv.lock"], "uv"),
        ([], "pip"),
    ],
)
def test_the_manager_is_the_one_whose_file_is_installed_from(
    tmp_path: Path, files: list[str], manager: Manager
) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert manager_of(tmp_path) == manager


def test_the_situation_of_an_app(site: Site) -> None:
    write(site.app, app_dot_py="import flask, PIL, IPython", Procfile="web: gunicorn")
    site.install("pip", {"pip/__init__.py": "x" * 3000})
    pip = Item("distribution", "pip", "1.0")
    slug = Slug({pip: Weight(6000, 2000)}, Weight(), graph=GRAPH)
    done = ModelSettings("s3://b/m", "models/m", convert=ConvertSettings("onnx", "int8"))
    float_ = ModelSettings("s3://b/n", "models/n", convert=ConvertSettings("onnx"))
    settings = Settings(models=(done, float_))
    assert situation_of(site.app, site.root, slug, settings) == Situation(
        manager="pip",
        silent=("lightgbm",),
        spoken=frozenset(["import", "flask", "pil", "ipython", "web", "gunicorn"]),
        curated=1000,
        quantized=frozenset(["models/m"]),
    )
    most = Settings(strip=StripSettings(level="max"))
    assert situation_of(site.app, site.root, slug, most).curated == 0
