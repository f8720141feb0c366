"""Modules that only an import can tell of, because they compute what they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.strip.reachability import dynamic_modules, site_sources
from slugfit.strip.reachability.dynamic_imports import is_dynamic
from slugfit.strip.site_tree import read_tree
from support.packages import Site


@pytest.mark.parametrize(
    "source",
    [
        "import_module(NAME)",
        "import_module(f'{__name__}.{NAMES[0]}')",
        "for name in NAMES:\n  importlib.import_module('.' + name, __name__)",
        "exec(open('x').read())",
        "for m in pkgutil.iter_modules(__path__): 0",
        "class A:\n  names = os.listdir(HERE)",
        "if FAST:\n  DATA = (HERE / 'x').read_text()",
        "with open(os.path.join(HERE, 'x')) as f: 0",
        "def load():\n  return open(HERE)\nDATA = load()",
        "def load():\n  return read()\ndef read():\n  return open(HERE)\nDATA = load()",
        "def f(data=open(HERE)): 0",
        "@register(open(HERE))\ndef f(): 0",
    ],
)
def test_what_an_import_computes_cannot_be_followed(source: str) -> None:
    assert is_dynamic(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import a",
        "import_module('a.b')",
        "import_module('a' + '.b')",
        "open('constant.txt')",
        "def load():\n  return open(HERE)",
        "def load():\n  return import_module(NAME)\nx = [load]",
        "f = lambda: open(HERE)",
        "if __name__ == '__main__':\n  exec(open(HERE).read())",
        "# exec(x)",
        "exec(x); (",
    ],
)
def test_what_it_does_not_compute_or_not_yet_can(source: str) -> None:
    assert not is_dynamic(source.encode())


def test_blind_modules_have_names_and_can_be_imported(tmp_path: Path) -> None:
    site = Site(tmp_path)
    blind = "exec(TEXT)"
    site.install(
        "p",
        {
            "p/__init__.py": blind,
            "p/a.py": blind,
            "p/b.py": "import p.a",
            "p/__main__.py": blind,
            "p/not-a-name.py": blind,
            "p/class.py": blind,
            "p/data.json": blind,
        },
    )
    tree = read_tree(site.root)
    assert dynamic_modules(tree, site_sources(tree, {})) == ("p", "p.a")
