"""Each file of the slug belongs to one item."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slugfit.slug.items import Item, items
from support.packages import Site

APP = Item("app", "the app's own files")
PYTHON = Item("python", "Python")
OTHERS = Item("buildpack", "other buildpacks")
SITE = ".heroku/python/lib/python3.99/site-packages"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def write(app: Path, *paths: str) -> None:
    for path in paths:
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).touch()


def test_every_file_belongs_to_one_item(site: Site) -> None:
    info = site.install("Flask", {"flask/__init__.py": ""}, compiled=["flask/__init__.py"])
    write(
        site.app,
        "app.py",
        "models/m.tflite",
        "models/README",
        ".heroku/python/bin/python3",
        ".heroku/python/lib/python3.99/os.py",
        ".heroku/bin/tool",
        ".profile.d/python.sh",
        ".apt/usr/lib/x.so",
        ".hidden",
        f"{SITE}/flask/unlisted.txt",
        f"{SITE}/stray.py",
    )
    found = items(site.app, site.root, ["models/m.tflite"])
    pyc = next(path for path in site.files if path.endswith(".pyc"))
    assert found == {
        APP: [".hidden", "app.py", "models/README"],
        Item("model", "models/m.tflite"): ["models/m.tflite"],
        PYTHON: [".heroku/python/bin/python3", ".heroku/python/lib/python3.99/os.py"],
        OTHERS: [".apt/usr/lib/x.so", ".heroku/bin/tool", ".profile.d/python.sh"],
        Item("distribution", "Flask", "1.0"): [
            f"{SITE}/{info}/METADATA",
            f"{SITE}/{info}/RECORD",
            f"{SITE}/flask/__init__.py",
            f"{SITE}/{pyc}",
            f"{SITE}/flask/unlisted.txt",
        ],
        Item("distribution", "stray"): [f"{SITE}/stray.py"],
    }


def test_all_files_in_a_directory_that_is_a_model_belong_to_it(tmp_path: Path) -> None:
    write(tmp_path, "models/m/config.json", "models/m/deep/m.bin", "models/m.txt", "models/x")
    assert items(tmp_path, None, ["./models//m"]) == {
        APP: ["models/m.txt", "models/x"],
        Item("model", "models/m"): ["models/m/config.json", "models/m/deep/m.bin"],
    }


def test_distributions_of_one_namespace_are_told_apart(site: Site) -> None:
    site.install("acme-a", {"acme/a/__init__.py": ""})
    site.install("acme-b", {"acme/b/__init__.py": ""})
    found = items(site.app, site.root, [])
    assert [(item.name, len(paths)) for item, paths in found.items()] == [
        ("acme-a", 3),
        ("acme-b", 3),
    ]


def test_an_app_without_site_packages_has_items_as_well(tmp_path: Path) -> None:
    write(tmp_path, "app.py", f"{SITE}/x.py")
    assert items(tmp_path, None, []) == {APP: ["app.py"], PYTHON: [f"{SITE}/x.py"]}


def test_site_packages_that_are_missing_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path, "app.py")
    assert items(tmp_path, tmp_path / SITE, []) == {APP: ["app.py"]}


def test_an_empty_app_has_no_items(tmp_path: Path) -> None:
    assert items(tmp_path, None, []) == {}


def test_links_count_and_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "data/x")
    (tmp_path / "file-link").symlink_to("data/x")
    (tmp_path / "directory-link").symlink_to("data")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "broken").symlink_to("nowhere")
    paths = ["broken", "data/x", "directory-link", "file-link", "loop"]
    assert items(tmp_path, None, []) == {APP: paths}


def test_our_own_directory_is_left_out_and_others_of_its_name_are_not(tmp_path: Path) -> None:
    write(tmp_path, ".slugfit/removed/x.py", "lib/.slugfit/y.py", ".slugfitted")
    assert items(tmp_path, None, []) == {APP: [".slugfitted", "lib/.slugfit/y.py"]}


def test_names_that_are_no_utf_8_count(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xe9t\xe9")).touch()
    assert items(tmp_path, None, []) == {APP: [os.fsdecode(b"\xe9t\xe9")]}
