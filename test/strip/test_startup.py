"""What an app starts with is read from its Procfile, and from its scripts, which are not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.packages.distributions import installed
from slugfit.strip.trials.entry_points import programs_of
from slugfit.strip.trials.script_imports import statements_of
from slugfit.strip.trials.startup import commands_of, startup_of
from support.packages import Site

FILES = {
    "app.py": "import flask",
    "wsgi.py": "",
    "bot.py": "import discord\nfrom helpers import talk\n",
    "helpers.py": "import torch",
    "gunicorn.conf.py": "import multiprocessing",
    "proj/__init__.py": "",
    "proj/__main__.py": "from .cli import main\nimport rich\n",
    "proj/cli.py": "",
    "proj/wsgi.py": "",
    "proj/celery.py": "",
    "jobs/nightly.py": "import pandas",
    "src/main.py": "",
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "app" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "app"


def names(app: Path) -> list[str]:
    return [trial.name for trial in startup_of(app).trials]


def started_by(app: Path, *commands: str) -> list[str]:
    lines = (f"process{number}: {command}\n" for number, command in enumerate(commands))
    (app / "Procfile").write_text("".join(lines))
    return names(app)


@pytest.mark.parametrize(
    ("command", "imports"),
    [
        ("gunicorn app:app", ["app"]),
        ("gunicorn app:app --bind 0.0.0.0:$PORT --workers ${WEB_CONCURRENCY:-1}", ["app"]),
        ("gunicorn wsgi --log-file -", ["wsgi"]),
        ("gunicorn --worker-class=gthread proj.wsgi", ["proj.wsgi"]),
        ("gunicorn 'app:create_app(\"config\")' -b :$PORT", ["app"]),
        ("newrelic-admin run-program gunicorn -k uvicorn.workers.UvicornWorker app:app", ["app"]),
        ("python -m gunicorn app:app", ["app"]),
        ("uvicorn src.main:app", ["src.main"]),
        ("uvicorn --app-dir src main:app", ["main"]),
        ("uvicorn --app-dir=src main:app", ["main"]),
        ("cd src && uvicorn main:app", ["main"]),
        ("hypercorn proj.wsgi:app", ["proj.wsgi"]),
        ("waitress-serve --port=$PORT --call app:create_app", ["app"]),
        ("flask --app app run", ["app"]),
        ("flask --app=app.py run", ["app"]),
        ("FLASK_APP=wsgi.py flask run --port $PORT", ["wsgi"]),
        ("celery -A proj worker --loglevel INFO", ["proj"]),
        ("celery --app=proj.celery:app worker", ["proj.celery"]),
        ("alembic upgrade head && gunicorn app:app; echo done", ["app"]),
        ("gunicorn app:app & celery -A proj beat", ["app", "proj"]),
        ("gunicorn missing:app wsgi:app", ["wsgi"]),
        ("gunicorn app:app --name 'without an end", ["app"]),
    ],
)
def test_what_a_server_is_told_to_import_is_imported(
    app: Path, command: str, imports: list[str]
) -> None:
    assert started_by(app, command) == [f"import {name}" for name in imports]


@pytest.mark.parametrize(
    ("command", "statements"),
    [
        ("python bot.py", ["import discord", "from helpers import talk"]),
        ("python jobs/nightly.py --all", ["import pandas"]),
        ("python -u -m bot", ["import discord", "from helpers import talk"]),
        ("python -m proj", ["import proj", "from proj.cli import main", "import rich"]),
        ("streamlit run app.py --server.port $PORT", ["import flask"]),
        ("gunicorn -c gunicorn.conf.py app:app", ["import multiprocessing", "import app"]),
    ],
)
def test_a_script_is_not_run_but_what_it_imports_is_imported(
    app: Path, command: str, statements: list[str]
) -> None:
    assert started_by(app, command) == statements


def test_modules_are_looked_for_where_the_commands_look(app: Path) -> None:
    (app / "Procfile").write_text(
        "web: gunicorn --chdir src main:app\nworker: python jobs/nightly.py\nx: cd .. && y.py\n"
    )
    assert startup_of(app).paths == (app, app / "src", app / "jobs")


def test_all_processes_count_and_each_import_once(app: Path) -> None:
    assert started_by(app, "gunicorn app:app", "celery -A proj worker", "gunicorn app:app") == [
        "import app",
        "import proj",
    ]


@pytest.mark.parametrize("procfile", [None, "web: gunicorn other:app\n", "# no\n", "\xff\n"])
def test_an_app_that_does_not_say_starts_with_what_lies_at_its_top(
    app: Path, procfile: str | None
) -> None:
    for name in ("setup.py", "conftest.py", "manage.py", "test_app.py", "tests/__init__.py"):
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text("import pytest")
    (app / ".hidden.py").write_text("import hidden")
    if procfile is not None:
        (app / "Procfile").write_text(procfile, encoding="latin-1")
    assert names(app) == [
        "import flask",
        "import discord",
        "from helpers import talk",
        "import torch",
        "import proj",
    ]


def test_an_app_without_python_starts_with_nothing(tmp_path: Path) -> None:
    assert startup_of(tmp_path).trials == ()
    assert commands_of(tmp_path) == []


def test_the_words_of_a_command_are_those_of_a_shell(app: Path) -> None:
    (app / "Procfile").write_text("web:  A=1 gunicorn --bind=:$PORT 'a b' c&&d\n\n# not: a line\n")
    assert commands_of(app) == [["A", "1", "gunicorn", "--bind", ":$PORT", "a b", "c", "&&", "d"]]


@pytest.mark.parametrize(
    ("source", "statements"),
    [
        ("import a, b.c as d\nfrom e import *", ["import a, b.c as d", "from e import *"]),
        ("try:\n    import a\nexcept ImportError:\n    import b", ["import a"]),
        ("if __name__ == '__main__':\n    import a", ["import a"]),
        ("if x:\n    import a\nelse:\n    import b", ["import a", "import b"]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a",
            ["from typing import TYPE_CHECKING"],
        ),
        ("with x:\n    import a", ["import a"]),
        ("def f():\n    import a\nclass C:\n    import b", []),
        ("from . import a\nfrom .b import c", ["from p.q import a", "from p.q.b import c"]),
        ("from ..b import c\nfrom ... import d", ["from p.b import c"]),
        ("(", []),
        ("\0", []),
    ],
)
def test_the_imports_of_a_script_are_those_that_run_with_it(
    tmp_path: Path, source: str, statements: list[str]
) -> None:
    (tmp_path / "x.py").write_text(source)
    assert [trial.statement for trial in statements_of(tmp_path / "x.py", "p.q")] == statements


def test_a_relative_import_of_a_script_without_a_package_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("from . import a")
    assert statements_of(tmp_path / "x.py") == []
    assert statements_of(tmp_path / "missing.py") == []


def test_a_long_statement_has_a_short_name(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(f"from a import {', '.join(f'name{n}' for n in range(20))}")
    (trial,) = statements_of(tmp_path / "x.py")
    assert len(trial.name) == 60
    assert trial.name.endswith("…")


def test_the_programs_of_installed_distributions_are_known_by_their_entry_points(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    for name in ("gunicorn", "celery", "plain", "damaged"):
        site.install(name, {f"{name}/__init__.py": ""})
    entries = "[console_scripts]\ngunicorn = gunicorn.app.wsgiapp:run\n[x]\ny = z\n"
    site.write("gunicorn-1.0.dist-info/entry_points.txt", entries)
    site.write("celery-1.0.dist-info/entry_points.txt", "[console_scripts]\ncelery = celery.x:main")
    site.write("plain-1.0.dist-info/entry_points.txt", "[plugins]\ngunicorn = plain:x\n")
    site.write("damaged-1.0.dist-info/entry_points.txt", "gunicorn")
    words = ["bin/gunicorn", "app:app", "plain"]
    programs = programs_of(site.root, installed(site.root), words)
    assert {name: trial.name for name, trial in programs.items()} == {
        "gunicorn": "import gunicorn.app.wsgiapp"
    }
