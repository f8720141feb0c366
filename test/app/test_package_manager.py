"""Which file heroku/python (v351) installs an app's packages from, and what it refuses."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from slugfit.app.failures import NoRequirements, NotSupported
from slugfit.app.package_manager import FILES, Manager, find_requirements, manager_of
from slugfit.base.errors import render

LINK = "https://github.com/slugfit/slugfit/blob/main/docs/errors.md#predict"


def write(app: Path, *names: str) -> Path:
    for name in names:
        (app / name).touch()
    return app


@pytest.mark.parametrize(
    ("files", "manager"),
    [
        (["Pipfile.lock"], "pipenv"),
        (["Pipfile", "Pipfile.lock"], "pipenv"),
        (["requirements.txt"], "pip"),
        (["requirements.txt", "setup.py", "pyproject.toml"], "pip"),
        (["poetry.lock", "pyproject.toml"], "poetry"),
        (["uv.lock", "pyproject.toml"], "uv"),
        (["uv.lock"], "uv"),
    ],
)
def test_the_one_file_of_a_package_manager_is_installed_from(
    tmp_path: Path, files: list[str], manager: Manager
) -> None:
    found = find_requirements(write(tmp_path, *files))
    assert (FILES[found.file.name], found.manager) == (manager, manager)
    assert manager_of(tmp_path) == manager


@pytest.mark.parametrize("names", list(combinations(FILES, 2)))
def test_the_files_of_two_managers_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(NotSupported) as failure:
        find_requirements(write(tmp_path, *names))
    assert render(failure.value) == [
        "Error: The app has several package manager files.",
        "",
        str(tmp_path),
        *(f"{name} ({FILES[name]})" for name in names),
        "",
        "To fix this:",
        "1. Choose one package manager, and delete the other files.",
        "",
        "For more information, see:",
        f"{LINK}not-supported",
    ]


def test_a_built_app_with_several_has_the_first_that_heroku_looks_for(tmp_path: Path) -> None:
    assert manager_of(write(tmp_path, "uv.lock", "poetry.lock")) == "poetry"
    assert manager_of(write(tmp_path, "Pipfile.lock")) == "pipenv"


@pytest.mark.parametrize("beside", [(), ("requirements.txt",), ("requirements.txt", "uv.lock")])
def test_a_pipfile_needs_its_lock_whatever_is_beside_it(
    tmp_path: Path, beside: tuple[str, ...]
) -> None:
    with pytest.raises(NotSupported) as failure:
        find_requirements(write(tmp_path, "Pipfile", *beside))
    assert str(failure.value) == f"The app has a Pipfile, but no Pipfile.lock: {tmp_path}/Pipfile"
    assert failure.value.explain().fixes == ("Create the lock file, and commit it:\npipenv lock",)


SETUP = ["Install the app itself with pip:", "   echo '--editable .' >requirements.txt"]
PYPROJECT = ["Create a lock file, and commit it:", "   uv lock"]
NONE = [
    "Run the command on the directory that has one of these files.",
    "2. Create one that lists the app's packages:",
    "   pip freeze >requirements.txt",
]


@pytest.mark.parametrize(
    ("files", "fixes"),
    [
        (["setup.py"], SETUP),
        (["pyproject.toml"], PYPROJECT),
        (["setup.py", "pyproject.toml"], [*SETUP, f"2. {PYPROJECT[0]}", *PYPROJECT[1:]]),
        ([], NONE),
    ],
)
def test_an_app_with_none_of_them_is_refused(
    tmp_path: Path, files: list[str], fixes: list[str]
) -> None:
    app = write(tmp_path, "app.py", *files)
    with pytest.raises(NoRequirements) as failure:
        find_requirements(app)
    assert render(failure.value) == [
        "Error: The app has no package manager file.",
        "",
        str(app),
        "looked for: requirements.txt, Pipfile.lock, poetry.lock, uv.lock",
        *(f"found: {name}, which is not enough" for name in files),
        "",
        "To fix this:",
        f"1. {fixes[0]}",
        *fixes[1:],
        "",
        "For more information, see:",
        f"{LINK}no-requirements",
    ]
    assert manager_of(app) == "pip"


def test_a_directory_is_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").mkdir()
    assert find_requirements(write(tmp_path, "requirements.txt")).manager == "pip"
