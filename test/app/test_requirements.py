"""What the app asks for, out of the files that people and tools write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from slugfit.app.requirements import Demand, demands, parse

LOCKS = {
    "Pipfile": "Pipfile.lock",
    "pyproject.toml": "uv.lock",
    "requirements.txt": "requirements.txt",
}


def asked(app: Path) -> dict[str, str]:
    """Name → the file that asks for it."""
    return {demand.name: demand.origin for demand in demands(app)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Flask", Demand("flask")),
        ("ruamel.yaml.clib", Demand("ruamel-yaml-clib")),
        ("numpy<3.0.0,>=1.21.0", Demand("numpy")),
        ("zipp (>=0.5)", Demand("zipp")),
        ("fsspec[http, s3]>=2023.1", Demand("fsspec", ("http", "s3"))),
        (
            "tomli>=1 ; python_version < '3.11'",
            Demand("tomli", (), Marker("python_version < '3.11'")),
        ),
        ("x;extra=='a'", Demand("x", (), Marker("extra=='a'"))),
        ("pkg @ https://example.com/pkg.zip", Demand("pkg")),
        (
            "pkg@ https://example.com/pkg.zip ; os_name == 'nt'",
            Demand("pkg", (), Marker("os_name == 'nt'")),
        ),
        # What is malformed may hold.
        ("numpy>=1.0.* ; extra == 'a'", Demand("numpy", (), Marker("extra == 'a'"))),
        ("pytz (>dev)", Demand("pytz")),
        ("fsspec[http]>=1.*,", Demand("fsspec", ("http",))),
        ("odd; whatever", Demand("odd")),
        ("odd @ https://example.com/a.zip ; whatever", Demand("odd")),
        ("odd; " + "(" * 10_000, Demand("odd")),
        ("odd[a b]", None),
        ("https://example.com/pkg.zip", None),
        ("./pkg", None),
        ("", None),
        ("two words", None),
        ("-r more.txt", None),
        ("a" * 100_000 + "!", None),
    ],
)
def test_a_requirement_is_read(text: str, expected: Demand | None) -> None:
    assert parse(text) == expected


@given(st.text())
def test_no_text_is_worse_than_no_requirement(text: str) -> None:
    found = parse(text)
    assert found is None or found.name == canonicalize_name(found.name) != ""


def test_a_requirements_file_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    tmp_path.joinpath("requirements").mkdir()
    tmp_path.joinpath("requirements.txt").write_text(
        "\ufeff# what we run on\n"
        "--extra-index-url https://user:secret@example.com/simple\n"
        "-r requirements/base.txt\n"
        "--requirement=requirements/ml.txt # and these\n"
        "-c constraints.txt\n"
        "Flask==3.1 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\n"
        "uvicorn[standard]>=0.3 ; sys_platform == 'linux'\r\n"
        "-e git+https://example.com/a.git#egg=My_Tool[extra]\n"
        "wheels/local_one-1.0-py3-none-any.whl\n"
        "https://example.com/far_one-1.0%2Bcpu-1-cp312-cp312-linux_x86_64.whl#sha256=abc\n"
        "near @ https://example.com/near-1.0-py3-none-any.whl ; os_name == 'nt'\n"
        "./libs/unnamed\n"
        "$WEIRD\n"
    )
    tmp_path.joinpath("requirements/base.txt").write_text("gunicorn\n-r ../requirements.txt\n")
    tmp_path.joinpath("requirements/ml.txt").write_text("-r more.txt\nnumpy")
    tmp_path.joinpath("requirements/more.txt").write_text("torch==2.13.0+cpu  --no-binary x\n")
    tmp_path.joinpath("constraints.txt").write_text("scipy<2\n")
    assert demands(tmp_path) == (
        Demand("gunicorn", origin="requirements/base.txt"),
        Demand("torch", origin="requirements/more.txt"),
        Demand("numpy", origin="requirements/ml.txt"),
        Demand("flask", origin="requirements.txt"),
        Demand("uvicorn", ("standard",), Marker("sys_platform == 'linux'"), "requirements.txt"),
        Demand("my-tool", ("extra",), origin="requirements.txt"),
        Demand("local-one", origin="requirements.txt"),
        Demand("far-one", origin="requirements.txt"),
        Demand("near", (), Marker("os_name == 'nt'"), "requirements.txt"),
    )


def test_what_pip_compile_says_that_others_require_nobody_asked_for(tmp_path: Path) -> None:
    tmp_path.joinpath("requirements.txt").write_text(
        "blinker==1.9 \\\n    --hash=sha256:abc\n    # via flask\n"
        "flask==3.1\n    # via\n    #   -r requirements.in\n    #   flask-cors\n"
        "flask-cors==6   # via -r requirements.in\n"
        "jinja2==3.1\n    # via\n    #   -c constraints.txt\n    #   Flask\n"
        "numpy==2.4\n    # via my-app (pyproject.toml)\n"
    )
    assert list(asked(tmp_path)) == ["flask", "flask-cors", "numpy"]


def test_what_uv_exports_for_the_app_itself_was_asked_for(tmp_path: Path) -> None:
    tmp_path.joinpath("requirements.txt").write_text(
        "flask==3.1\n    # via my-app\njinja2==3.1\n    # via flask\n"
    )
    assert list(asked(tmp_path)) == ["flask"]


def test_a_pipfile_is_read(tmp_path: Path) -> None:
    tmp_path.joinpath("Pipfile.lock").touch()
    tmp_path.joinpath("Pipfile").write_text(
        '[packages]\nFlask = "*"\n'
        'celery = {version = "*", extras = ["redis"], markers = "os_name == \'posix\'"}\n'
        '[dev-packages]\npytest = "*"\n'
    )
    assert demands(tmp_path) == (
        Demand("flask", origin="Pipfile"),
        Demand("celery", ("redis",), Marker("os_name == 'posix'"), "Pipfile"),
    )


@pytest.mark.parametrize("lock", ["uv.lock", "poetry.lock"])
def test_a_pyproject_is_read_as_uv_and_poetry_write_it(tmp_path: Path, lock: str) -> None:
    tmp_path.joinpath(lock).touch()
    tmp_path.joinpath("pyproject.toml").write_text(
        '[project]\ndependencies = ["flask>=3", "torch[opt-einsum]", "???", 7]\n'
        '[dependency-groups]\ndev = ["pytest"]\n'
        '[tool.poetry.dependencies]\npython = "^3.12"\nnumpy = {version = "*", extras = "x"}\n'
        '[tool.poetry.group.dev.dependencies]\nblack = "*"\n'
    )
    assert demands(tmp_path) == (
        Demand("flask", origin="pyproject.toml"),
        Demand("torch", ("opt-einsum",), origin="pyproject.toml"),
        Demand("numpy", origin="pyproject.toml"),
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Pipfile", b"[packages\n"),
        ("Pipfile", b"packages = 1\n"),
        ("pyproject.toml", b"\xff\xfe"),
        ("pyproject.toml", b"[project]\ndependencies = 1\n[tool]\npoetry = []\n"),
        ("requirements.txt", b"\x00\xff\\\n-r \n-r /etc/passwd\n-r ../up.txt\n-r gone.txt\n"),
    ],
)
def test_a_file_that_can_not_be_read_asks_for_nothing(
    tmp_path: Path, name: str, content: bytes
) -> None:
    tmp_path.joinpath(LOCKS[name]).touch()
    tmp_path.joinpath(name).write_bytes(content)
    assert demands(tmp_path) == ()


@pytest.mark.parametrize("name", ["Pipfile", "pyproject.toml"])
def test_a_file_that_heroku_does_not_install_from_asks_for_nothing(
    tmp_path: Path, name: str
) -> None:
    text = '[packages]\nflask = "*"\n[project]\ndependencies = ["flask"]\n'
    tmp_path.joinpath(name).write_text(text)
    assert demands(tmp_path) == ()
    tmp_path.joinpath(LOCKS[name]).touch()
    assert asked(tmp_path) == {"flask": name}


def test_an_app_without_a_file_asks_for_nothing(tmp_path: Path) -> None:
    assert demands(tmp_path) == ()


@given(st.text())
def test_no_file_is_worse_than_one_without_requirements(tmp_path_factory, text: str) -> None:  # type: ignore[no-untyped-def] # hypothesis
    app = tmp_path_factory.mktemp("app")
    app.joinpath("requirements.txt").write_text(text, encoding="utf-8", errors="replace")
    assert all(demand.origin == "requirements.txt" for demand in demands(app))
