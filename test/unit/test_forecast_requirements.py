"""Which file an app's packages come from, for which Python, and what locks say."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.forecast.failures import NoRequirements, NotSupported, UnreadableRequirements
from slugfit.forecast.locks import from_pipenv, from_poetry
from slugfit.forecast.requirements import find_requirements, python_for
from unit.forecasting import write_app

PIPFILE_LOCK = {
    "_meta": {
        "requires": {"python_version": "3.11"},
        "sources": [
            {"name": "pypi", "url": "https://pypi.org/simple"},
            {"name": "own", "url": "https://${LOGIN}@example.com/simple"},
        ],
    },
    "default": {
        "flask": {"version": "==3.1.0", "markers": "python_version >= '3.9'"},
        "mine": {"git": "https://example.com/mine.git", "ref": "abc"},
        "this": {"path": ".", "editable": True},
    },
    "develop": {"pytest": {"version": "==8.0"}},
}
POETRY_LOCK = """
[[package]]
name = "flask"
version = "3.1.0"
groups = ["main"]
optional = false
markers = "python_version >= \\"3.9\\""

[[package]]
name = "mixed"
version = "1.0"
groups = ["main", "dev"]
optional = false
[package.markers]
main = "sys_platform == 'linux'"
dev = "sys_platform == 'darwin'"

[[package]]
name = "mine"
version = "1.0"
groups = ["main"]
optional = false
[package.source]
type = "git"
url = "https://example.com/mine.git"
resolved_reference = "abc"

[[package]]
name = "private"
version = "2.0"
groups = ["main"]
optional = false
[package.source]
type = "legacy"
url = "https://example.com/simple"

[[package]]
name = "pytest"
version = "8.0"
groups = ["dev"]
optional = false

[[package]]
name = "extra"
version = "1.0"
groups = ["main"]
optional = true
"""


def test_files_are_looked_for_as_heroku_does(tmp_path: Path) -> None:
    app = write_app(tmp_path)
    for name, manager in (
        ("setup.py", "pip"),
        ("pyproject.toml", "pip"),
        ("uv.lock", "uv"),
        ("poetry.lock", "poetry"),
        ("requirements.txt", "pip"),
        ("Pipfile.lock", "pipenv"),
    ):
        (app / name).write_text("")
        found = find_requirements(app)
        assert (found.file.name, found.manager) == (name, manager)


def test_an_app_without_any_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoRequirements) as failure:
        find_requirements(write_app(tmp_path))
    assert str(failure.value) == (f"The app does not say what it requires: {tmp_path / 'app'}")


def test_a_pipfile_needs_its_lock(tmp_path: Path) -> None:
    with pytest.raises(NotSupported) as failure:
        find_requirements(write_app(tmp_path, Pipfile=""))
    assert failure.value.explain().fixes == ("Write the lock, and commit it:\npipenv lock",)


@pytest.mark.parametrize(
    ("files", "asked", "minor"),
    [
        ({}, None, 14),
        ({}, "3.11", 11),
        ({"__python-version": "# ours\n3.12\n"}, None, 12),
        ({"__python-version": "3.12.4"}, None, 12),
        ({"runtime__txt": "python-3.10.13\n", "__python-version": "3.12"}, None, 10),
        ({"Pipfile__lock": json.dumps(PIPFILE_LOCK)}, None, 11),
        ({"__python-version": "3.12"}, "3.13", 13),
    ],
)
def test_the_python_is_found(
    tmp_path: Path, files: dict[str, str], asked: str | None, minor: int
) -> None:
    assert python_for(write_app(tmp_path, **files), asked) == minor


@pytest.mark.parametrize("text", ["3.9", "2.7", "pypy3.10", "", "3.12\n3.13", "3"])
def test_a_python_that_heroku_has_not_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotSupported) as failure:
        python_for(write_app(tmp_path, **{"__python-version": text}), None)
    assert "Name one from 3.10 to 3.14" in failure.value.instead


def test_a_pipfile_lock_becomes_lines(tmp_path: Path) -> None:
    app = write_app(tmp_path, Pipfile__lock=json.dumps(PIPFILE_LOCK))
    assert from_pipenv(app / "Pipfile.lock", {"LOGIN": "anna:secret"}.get).splitlines() == [
        "--index-url https://pypi.org/simple",
        "--extra-index-url https://anna:secret@example.com/simple",
        "flask==3.1.0 ; python_version >= '3.9'",
        "mine @ git+https://example.com/mine.git@abc",
        "-e .",
    ]


def test_a_poetry_lock_becomes_lines(tmp_path: Path) -> None:
    app = write_app(tmp_path, poetry__lock=POETRY_LOCK)
    assert from_poetry(app / "poetry.lock").splitlines() == [
        "--extra-index-url https://example.com/simple",
        'flask==3.1.0 ; python_version >= "3.9"',
        "mixed==1.0 ; sys_platform == 'linux'",
        "mine @ git+https://example.com/mine.git@abc",
        "private==2.0",
    ]


def test_an_old_poetry_lock_is_not_guessed_at(tmp_path: Path) -> None:
    old = POETRY_LOCK.replace('groups = ["main"]\n', "")
    with pytest.raises(NotSupported, match="is in a format from before poetry 2"):
        from_poetry(write_app(tmp_path, poetry__lock=old) / "poetry.lock")


@given(st.text() | st.recursive(st.none() | st.text(), lambda i: st.dictionaries(st.text(), i)))
def test_any_lock_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: object
) -> None:
    app = write_app(tmp_path_factory.mktemp("lock"))
    text = data if isinstance(data, str) else json.dumps({"default": data, "package": data})
    for name in ("Pipfile.lock", "poetry.lock"):
        (app / name).write_text(text, encoding="utf-8")
        with suppress(UnreadableRequirements, NotSupported):
            lines = from_poetry(app / name) if name == "poetry.lock" else _from_pipenv(app / name)
            assert lines.strip() == "" or lines.endswith("\n")


def _from_pipenv(lock: Path) -> str:
    return from_pipenv(lock, lambda name: None)
