"""Which Python heroku/python (v351) installs for an app, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.app.failures import NotSupported, UnreadableRequirements
from slugfit.app.package_manager import Manager
from slugfit.app.python_version import PythonVersion, python_for
from slugfit.base.errors import render
from slugfit.base.heroku import PYTHONS


def write(app: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (app / name).write_bytes(text.encode())
    return app


def lock(**requires: Any) -> str:
    return json.dumps({"_meta": {"requires": requires}})


@pytest.mark.parametrize(
    ("files", "manager", "minor", "origin"),
    [
        ({}, "pip", 14, ""),
        ({".python-version": "3.12"}, "pip", 12, ".python-version"),
        ({".python-version": "3.12.4\n"}, "uv", 12, ".python-version"),
        ({".python-version": "# why\r\n\r\n \t3.11 \r\n#3.10\r\n"}, "pip", 11, ".python-version"),
        ({"runtime.txt": "python-3.12.4"}, "pip", 12, "runtime.txt"),
        ({"runtime.txt": "\n# old\n  python-3.10\n"}, "poetry", 10, "runtime.txt"),
        # The deprecated file counts more.
        ({"runtime.txt": "python-3.10.1", ".python-version": "3.13"}, "pip", 10, "runtime.txt"),
        ({"runtime.txt": "python-3.10.1", "python-version": "3.13"}, "pip", 10, "runtime.txt"),
        ({"Pipfile.lock": lock(python_version="3.11")}, "pipenv", 11, "Pipfile.lock"),
        (
            {"Pipfile.lock": lock(python_version="3.10", python_full_version="3.12.1")},
            *("pipenv", 12, "Pipfile.lock"),
        ),
        (
            {"Pipfile.lock": lock(python_version="3.10", python_full_version=None)},
            *("pipenv", 10, "Pipfile.lock"),
        ),
        (
            {"Pipfile.lock": lock(python_version="3.11"), ".python-version": "3.13"},
            *("pipenv", 13, ".python-version"),
        ),
        ({"Pipfile.lock": lock()}, "pipenv", 14, ""),
        ({"Pipfile.lock": "{}"}, "pipenv", 14, ""),
        ({"Pipfile.lock": '{"_meta": {"requires": null}}'}, "pipenv", 14, ""),
        # Neither a lock of another manager nor a project's own range is asked.
        ({"Pipfile.lock": "{"}, "pip", 14, ""),
        ({"pyproject.toml": "[project]\nrequires-python = '==3.11.*'"}, "poetry", 14, ""),
        ({"uv.lock": "requires-python = '==3.11.*'", ".python-version": "3.12"}, "uv", 12,
         ".python-version"),
        # Names that are no slip of the pen.
        ({".python-versions": "3.12", "python.version": "3.12"}, "pip", 14, ""),
    ],
)  # fmt: skip
def test_the_file_that_counts_most_decides(
    tmp_path: Path, files: dict[str, str], manager: Manager, minor: int, origin: str
) -> None:
    assert python_for(write(tmp_path, files), manager) == PythonVersion(minor, origin)


def test_the_option_counts_more_than_all_files(tmp_path: Path) -> None:
    write(tmp_path, {"runtime.txt": "nonsense", "python-version": "3.12"})
    assert python_for(tmp_path, "uv", "3.13") == PythonVersion(13, "the --python option")
    assert python_for(tmp_path, "pip", "3.13.1").series == "3.13"


INVALID = [
    *("", "3", "3.9", "2.7.18", "3.15", "4.0", "3.012", "3.12.", "3.12.04", "3.12.1.1", "3.12.x"),
    *("'3.12'", "v3.12", "pypy3.10", "3.12-dev", "3.12rc1", ">=3.12", "3.12 # ours", "3,12"),
    *("3.12\n3.13", "3.12 3.13", "\ufeff3.12", "3.12\u00a0", "3.1\u0662", "3." + "1" * 5000),
]


@pytest.mark.parametrize("text", [*INVALID, "python-3.12", "# 3.12"])
def test_a_python_version_that_heroku_does_not_have_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotSupported):
        python_for(write(tmp_path, {".python-version": text}), "pip")


@pytest.mark.parametrize("text", [*(f"python-{text}" for text in INVALID), "3.12", "Python-3.12"])
def test_so_it_is_in_a_runtime_txt(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotSupported):
        python_for(write(tmp_path, {"runtime.txt": text, ".python-version": "3.12"}), "pip")


@pytest.mark.parametrize("version", ["", "3.9", "*", "3.12.*", 3, True, ["3.12"], "3.12\n3.13"])
def test_so_it_is_in_a_pipfile_lock(tmp_path: Path, version: Any) -> None:
    with pytest.raises(NotSupported):
        python_for(write(tmp_path, {"Pipfile.lock": lock(python_version=version)}), "pipenv")


@pytest.mark.parametrize("text", ["{", "[]", '{"_meta": []}', '{"_meta": {"requires": "3.12"}}'])
def test_a_pipfile_lock_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableRequirements) as failure:
        python_for(write(tmp_path, {"Pipfile.lock": text}), "pipenv")
    assert failure.value.file == f"{tmp_path}/Pipfile.lock"


def test_a_refusal_says_where_the_version_is_and_what_to_write(tmp_path: Path) -> None:
    write(tmp_path, {".python-version": "# ours\n3.9\n 2.7\n"})
    with pytest.raises(NotSupported) as failure:
        python_for(tmp_path, "pip")
    assert render(failure.value)[:-3] == [
        "Error: Heroku does not have the requested Python version.",
        "",
        '.python-version: "3.9 2.7"',
        "",
        "To fix this:",
        "1. Choose a version from 3.10 to 3.14:",
        "   echo 3.14 >.python-version",
    ]


@pytest.mark.parametrize("text", ["3.9", "3.15", "python-3.12", "3.x", "3.12.x"])
def test_the_option_names_a_python_that_heroku_has(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotSupported) as failure:
        python_for(tmp_path, "pip", text)
    assert failure.value.where == f'the --python option: "{text}"'


@pytest.mark.parametrize(
    ("files", "fix"),
    [
        ({}, "Create the file:\nuv python pin 3.14"),
        ({"runtime.txt": "python-3.12.1"}, "Delete runtime.txt, and create the file:\n"
         "uv python pin 3.12"),
        ({"runtime.txt": "python-3.12.1", ".python-version": "3.12"},
         "Delete runtime.txt, and create the file:\nuv python pin 3.12"),
    ],
)  # fmt: skip
def test_uv_needs_a_python_version_file(tmp_path: Path, files: dict[str, str], fix: str) -> None:
    with pytest.raises(NotSupported) as failure:
        python_for(write(tmp_path, files), "uv")
    assert str(failure.value) == f"Apps that use uv need a .python-version file: {tmp_path}"
    assert failure.value.explain().fixes == (fix,)


@pytest.mark.parametrize(
    "name",
    [
        *(" .python-version", ". python-version", ",python-version", "'.python-version'"),
        *(".python-version ", ".python-version.", ".python-version.py", ".python-version.rtf"),
        *(".python-version.txt", ".python-version.TXT", ".Python-version", ".python.version"),
        *(".pythonversion", ".python_version", ".python_version.txt", "python_version"),
        *("python_version.txt", "python-version", "python-version.", "python-version.txt"),
    ],
)
def test_a_misspelled_name_is_refused_beside_the_right_one(tmp_path: Path, name: str) -> None:
    write(tmp_path, {".python-version": "3.12"})
    assert python_for(tmp_path, "pip").minor == 12
    write(tmp_path, {name: "3.12"})
    with pytest.raises(NotSupported) as failure:
        python_for(tmp_path, "pip")
    assert str(failure.value) == f'The file name .python-version is misspelled: "{tmp_path}/{name}"'
    assert failure.value.instead == f'Rename it:\ngit mv "{name}" .python-version'


@given(st.text())
def test_any_text_is_a_version_that_heroku_has_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    app = tmp_path_factory.mktemp("app")
    (app / ".python-version").write_text(text, encoding="utf-8", errors="replace")
    try:
        assert python_for(app, "pip").minor in PYTHONS
    except NotSupported as refused:
        assert refused.where.startswith('.python-version: "')
