"""What the locks of pipenv and poetry come to, as lines of a requirements file."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.app.failures import NotSupported, UnreadableRequirements
from slugfit.app.locks import from_pipenv, from_poetry
from support.forecasting import write_app

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
