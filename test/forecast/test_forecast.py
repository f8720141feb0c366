"""Whole forecasts, by a real uv, of apps whose packages come from an index on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slugfit.app.failures import UnreadableRequirements
from slugfit.app.package_manager import find_requirements
from slugfit.audit.giants import giants
from slugfit.base.errors import render
from slugfit.forecast.failures import IndexDown, Unresolvable
from slugfit.forecast.indexes import Indexes
from slugfit.forecast.pylock import EDITABLE, Pinned, read_lock
from slugfit.forecast.remote_file import TAIL_BYTES
from slugfit.packages.target import Machine
from slugfit.settings.model import (
    BudgetSettings,
    ConvertSettings,
    Settings,
    StripSettings,
)
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from support.forecasting import forecast, resolver_for, write_app
from support.package_index import Package, PackageIndex
from support.sources import model_from

CODE = "".join(f"def function_{n}():\n    return {n}\n" for n in range(300))
DEMO = Package("demo", "1.0", {"demo/__init__.py": CODE, "demo/tests/a.py": CODE}, ("helper>=1",))
HELPER = Package("helper", "1.2", {"helper.py": CODE})
OLD = Package("old", "1.0", {"old.py": ""}, ("helper<1",))
NATIVE = Package(
    "native", "2.0", {"native.so": b"\x7fELF"}, tag="cp313-cp313-manylinux_2_28_x86_64"
)
SOURCE = Package("source", "1.0", source=b"no archive at all")
PACKAGES = (DEMO, HELPER, OLD, NATIVE, SOURCE)


def pins(app: Path, index: PackageIndex, scratch: Path) -> list[str]:
    found = resolver_for(index, scratch).resolve(find_requirements(app))
    return [f"{pin.name} {pin.version} {pin.instead}".strip() for pin in found]


def test_an_app_is_predicted(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="demo\n", app__py="import demo\n")
    with PackageIndex(PACKAGES) as index:
        found = forecast(app, index, tmp_path)
    assert sorted((item.kind, item.name, item.version) for item in found.slug.items) == [
        ("app", "the app's own files", ""),
        ("distribution", "demo", "1.0"),
        ("distribution", "helper", "1.2"),
        ("distribution", "pip", ""),
        ("distribution", "setuptools", ""),
        ("python", "Python", ""),
    ]
    assert (found.python, found.stack, found.source) == ("3.12", "heroku-24", "requirements.txt")
    assert found.slug.chain(Item("distribution", "helper", "1.2")) == ("demo", "requirements.txt")
    assert (found.missing, found.rough, found.giants) == ((), (), ())
    assert found.slug.items[Item("distribution", "demo", "1.0")].raw < 2 * len(CODE) * 1.5


def test_a_second_forecast_asks_for_no_wheel(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="demo\n")
    with PackageIndex(PACKAGES) as index:
        first = forecast(app, index, tmp_path)
        ends = [line for line in index.requests if line.endswith(f"=-{TAIL_BYTES}")]
        assert len(ends) == 2
        index.requests.clear()
        assert forecast(app, index, tmp_path) == first
        assert [line for line in index.requests if line in ends] == []  # uv asks in its own way


def test_what_is_there_as_source_alone_is_not_counted(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="source\nhelper\n")
    with PackageIndex(PACKAGES) as index:
        found = forecast(app, index, tmp_path)
    assert found.missing == (
        "source 1.0: only as source, which can't be built here; what it requires is not"
        " counted either",
    )
    assert Item("distribution", "helper", "1.2") in found.slug.items


def test_a_wheel_of_which_only_the_size_is_known_is_rough(tmp_path: Path) -> None:
    large = Package("large", "1.0", {"large.bin": bytes(range(256)) * 10, "n.bin": _noise()})
    app = write_app(tmp_path, requirements__txt="large\n")
    with PackageIndex([large], ranges=False) as index:
        found = forecast(app, index, tmp_path)
    assert found.rough == (
        "large 1.0: estimated from its wheel's size: its server does not support range requests",
    )


def _noise() -> bytes:
    state, noise = 1, bytearray()
    for _ in range(1_100_000):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        noise.append(state >> 16 & 255)
    return bytes(noise)


def test_a_repository_is_not_counted(tmp_path: Path) -> None:
    repository = tmp_path / "mine"
    repository.mkdir()
    (repository / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "3.0"\ndependencies = ["helper"]\n'
    )
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "all")):
        subprocess.run(["git", *command], cwd=repository, check=True)
    app = write_app(tmp_path, requirements__txt=f"mine @ git+file://{repository}\n")
    with PackageIndex(PACKAGES) as index:
        assert pins(app, index, tmp_path) == ["helper 1.2", "mine 3.0 from git"]


def test_the_app_as_a_package_is_counted_once(tmp_path: Path) -> None:
    project = '[project]\nname = "mine"\nversion = "3.0"\ndependencies = ["helper"]\n'
    app = write_app(tmp_path, requirements__txt="-e .\n", pyproject__toml=project)
    with PackageIndex(PACKAGES) as index:
        assert pins(app, index, tmp_path) == ["helper 1.2", f"mine  {EDITABLE}"]


def test_a_directory_of_the_app_is_installed_a_second_time(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="./libs\n")
    (app / "libs").mkdir()
    (app / "libs/pyproject.toml").write_text('[project]\nname = "mine"\nversion = "3.0"\n')
    with PackageIndex(PACKAGES) as index:
        assert pins(app, index, tmp_path) == ["mine  from a directory of the app"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"requirements__txt": 'demo\nnative; python_version < "3"\n'}, ["demo 1.0", "helper 1.2"]),
        ({"requirements__txt": "-r more.txt\n", "more__txt": "helper\n"}, ["helper 1.2"]),
        ({"requirements__txt": "-c all.txt\nhelper\n", "all__txt": "helper<2"}, ["helper 1.2"]),
        ({"Pipfile__lock": '{"default": {"helper": {"version": "==1.2"}}}'}, ["helper 1.2"]),
        ({"poetry__lock": '[[package]]\nname="demo"\nversion="1.0"\ngroups=["main"]\n'},
         ["demo 1.0"]),
        ({"requirements__txt": ""}, []),
    ],
)  # fmt: skip
def test_each_kind_of_file_is_resolved(
    tmp_path: Path, files: dict[str, str], found: list[str]
) -> None:
    with PackageIndex(PACKAGES) as index:
        assert pins(write_app(tmp_path, **files), index, tmp_path) == found


def test_a_lock_of_uv_is_taken_as_it_is(tmp_path: Path) -> None:
    project = '[project]\nname="a"\nversion="1"\nrequires-python=">=3.10"\ndependencies=["demo"]\n'
    app = write_app(tmp_path, pyproject__toml=project + '[dependency-groups]\ndev=["native"]\n')
    with PackageIndex(PACKAGES) as index:
        resolver = resolver_for(index, tmp_path)
        env = resolver.uv.indexes.for_uv(tmp_path / "uv-cache", "")
        subprocess.run([resolver.uv.program, "lock", "--quiet"], cwd=app, env=env, check=True)
        assert pins(app, index, tmp_path) == ["demo 1.0", "helper 1.2"]


def test_requirements_that_contradict_are_explained(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="demo\nold\n")
    with PackageIndex(PACKAGES) as index, pytest.raises(Unresolvable) as failure:
        resolver_for(index, tmp_path).resolve(find_requirements(app))
    text = "\n".join(render(failure.value))
    assert text.startswith(
        f"Error: The app's requirements cannot be met together.\n\n{app}/requirements.txt\n"
    )
    assert text.count("we can conclude that your requirements are unsatisfiable") == 1
    assert "This is for Python 3.12 on Linux with glibc 2.39, like the build." in text


def test_a_version_without_a_wheel_for_the_python_is_not_counted(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="native\n")
    with PackageIndex(PACKAGES) as index:
        with pytest.raises(Unresolvable, match="cannot be met together"):
            pins(app, index, tmp_path)
        found = resolver_for(index, tmp_path, minor=13).resolve(find_requirements(app))
    assert [pin.wheel.name for pin in found if pin.wheel] == [NATIVE.filename]


@pytest.mark.parametrize("text", ["demo ===> 1\n", "-r missing.txt\n", "\x00\n"])
def test_an_unreadable_file_is_named(tmp_path: Path, text: str) -> None:
    app = write_app(tmp_path, requirements__txt=text)
    with PackageIndex(PACKAGES) as index, pytest.raises(UnreadableRequirements) as failure:
        pins(app, index, tmp_path)
    assert failure.value.explain().where == f"{app}/requirements.txt"


@pytest.mark.parametrize(
    "files",
    [{"Pipfile__lock": "{"}, {"poetry__lock": "["}, {"Pipfile__lock": "[]"}, {"uv__lock": "["}],
)
def test_a_damaged_lock_is_named(tmp_path: Path, files: dict[str, str]) -> None:
    project = '[project]\nname = "a"\nversion = "1"\n'
    app = write_app(tmp_path, **files, pyproject__toml=project)
    with PackageIndex(PACKAGES) as index, pytest.raises(UnreadableRequirements):
        pins(app, index, tmp_path)


def test_an_index_that_is_down_is_told(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="demo\n")
    with PackageIndex(PACKAGES) as index:
        pass
    with pytest.raises(IndexDown) as failure:
        pins(app, index, tmp_path)
    assert "Connection refused" in failure.value.said


def test_a_login_in_the_indexs_url_is_used_for_its_files(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="helper\n")
    with PackageIndex(PACKAGES, login="anna:secret") as index:
        found = forecast(app, index, tmp_path)
    assert Item("distribution", "helper", "1.2") in found.slug.items
    assert found.missing == ()


def test_the_files_index_counts_more_than_the_machines(tmp_path: Path) -> None:
    with PackageIndex([HELPER]) as index, PackageIndex([]) as other:
        app = write_app(tmp_path, requirements__txt=f"--index-url {index.simple}\nhelper\n")
        resolver = resolver_for(other, tmp_path)
        assert [pin.name for pin in resolver.resolve(find_requirements(app))] == ["helper"]


def test_pips_configuration_is_read(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://one.example/simple\nfind-links = /a\n  /b\n"
        "[install]\nextra-index-url =\n  https://two.example/simple\n"
    )
    indexes = Indexes.of({"PIP_CONFIG_FILE": str(config), "HOME": str(tmp_path)})
    env = indexes.for_uv(tmp_path, "flask\n")
    assert env["UV_DEFAULT_INDEX"] == "https://one.example/simple"
    assert env["UV_EXTRA_INDEX_URL"] == "https://two.example/simple"
    assert env["UV_FIND_LINKS"] == "/a,/b"


def test_nothing_else_of_the_environment_reaches_the_resolver(tmp_path: Path) -> None:
    environ = {"AWS_SECRET_ACCESS_KEY": "x", "UV_INDEX_URL": "https://uv.example", "HOME": "/h"}
    env = Indexes.of({**environ, "PIP_CONFIG_FILE": ""}).for_uv(tmp_path, "")
    assert "AWS_SECRET_ACCESS_KEY" not in env
    assert env["UV_INDEX_URL"] == "https://uv.example"


def test_cuda_is_named_loudly(tmp_path: Path) -> None:
    packages = (
        Package("torch", "2.13.0", {"torch.py": ""}, ("nvidia-cublas-cu12",)),
        Package("nvidia_cublas_cu12", "12.8", {"cublas.bin": _noise()[:50_000]}),
    )
    app = write_app(tmp_path, requirements__txt="torch\n")
    with PackageIndex(packages) as index:
        (giant,) = forecast(app, index, tmp_path).giants
    assert giant.summary == "50.3 KB of CUDA, which no dyno can use."
    assert giant.fix == (
        "Add at the top of requirements.txt:\n--extra-index-url https://download.pytorch.org/whl/cpu"
    )


def test_what_is_instead_of_cuda_is_said_in_the_words_of_the_apps_tool() -> None:
    cuda = {"nvidia-nccl-cu12": ("2.27", Weight(9, 9))}
    for package, fix in (
        ("torch", "uv add --index pytorch-cpu=https://download.pytorch.org/whl/cpu torch"),
        ("xgboost", "uv remove xgboost\nuv add xgboost-cpu"),
    ):
        (giant,) = giants({package: ("2", Weight(9, 9)), **cuda}, BudgetSettings(), "uv")
        assert giant.fix == fix


def test_a_package_over_the_limit_by_itself_is_named() -> None:
    budget = BudgetSettings(limit=1000, warn=1000)
    (giant,) = giants({"huge": ("1.2", Weight(9000, 2000))}, budget, "pip")
    assert giant.summary == "huge 1.2 alone exceeds the limit."
    assert giant.why == "It is 2.0 KB; the limit is 1.0 KB."


def test_models_of_the_app_are_counted_apart_and_others_without_an_answer_not(
    tmp_path: Path,
) -> None:
    app = write_app(tmp_path, requirements__txt="", tiny__bin="weights")
    gone = model_from("http://127.0.0.1:9/gone.bin", "models/gone.bin")
    settings = Settings(models=(model_from("tiny.bin", "tiny.bin"), gone))
    with PackageIndex([]) as index:
        found = forecast(app, index, tmp_path, settings)
    assert Item("model", "tiny.bin") in found.slug.items
    assert len(found.missing) == 1
    assert found.missing[0].startswith("models/gone.bin: ")


def test_a_file_that_is_linked_to_another_place_counts_in_both(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="", tiny__bin="weights" * 1000)
    model = model_from("tiny.bin", "models/m.tflite", convert=ConvertSettings("tflite", "int8"))
    gone = model_from("gone.bin", "models/gone.bin")
    with PackageIndex([]) as index:
        found = forecast(app, index, tmp_path, Settings(models=(model, gone)))
    assert found.slug.items[Item("app", "the app's own files")].raw == 7000
    assert found.slug.items[Item("model", "models/m.tflite")].raw == 1750
    assert found.missing == ("models/gone.bin: gone.bin does not exist",)
    assert found.rough[0].startswith("models/m.tflite: converted to tflite (int8): 1.8 KB ")


def test_ignored_files_are_not_the_apps(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="", app__py="x = 1\n" * 100, __slugignore="*.csv\n")
    with PackageIndex([]) as index:
        plain = forecast(app, index, tmp_path)
        (app / ".venv").mkdir()
        (app / ".venv/lib.py").write_text("x = 2\n" * 1000)
        (app / "data.csv").write_text("1,2\n" * 1000)
        assert forecast(app, index, tmp_path) == plain


def test_bytecode_that_only_a_build_can_tell_is_rough(tmp_path: Path) -> None:
    boot = Settings(strip=StripSettings(bytecode="boot"))
    app = write_app(tmp_path, requirements__txt="demo\n", app__py="import demo\n")
    with PackageIndex(PACKAGES) as index:
        whole = forecast(app, index, tmp_path)
        part = forecast(app, index, tmp_path, boot)
        (app / "app.py").write_text("import helper\n")
        less = forecast(app, index, tmp_path, boot)
        (app / "app.py").unlink()
        unseen = forecast(app, index, tmp_path, boot)
    assert less.slug.weight.raw < part.slug.weight.raw < whole.slug.weight.raw
    assert part.rough == (
        "bytecode: 3.8 KB of 6.3 KB are counted, an estimate of what the app reads at start, which"
        " only a build can observe",
    )
    assert less.rough == (part.rough[0].replace("3.8 KB", "1.9 KB"),)
    assert (unseen.slug.categories, unseen.rough) == (whole.slug.categories, ())


def test_what_git_ignores_is_not_the_apps(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="", __gitignore="weights\n")
    subprocess.run(["git", "init", "-q"], cwd=app, check=True)
    with PackageIndex([]) as index:
        plain = forecast(app, index, tmp_path)
        (app / "weights").write_text("0" * 100_000)
        assert forecast(app, index, tmp_path) == plain


def test_a_pin_has_a_version_of_its_wheels_name_where_the_lock_has_none() -> None:
    text = 'packages = [{name = "a", archive = {url = "https://x.example/a-1.5-py3-none-any.whl"}}]'
    (pin,) = read_lock(text, Machine(12, 39))
    assert pin == Pinned("a", "1.5", pin.wheel)
