"""Who brought what: from the metadata of real and of made-up packages."""

from __future__ import annotations

import platform
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.app.requirements import Demand, parse
from slugfit.packages.graph import Graph, graph_of, resolve
from slugfit.packages.markers import environment

TORCH = Graph(
    direct={"flask": "requirements.txt", "sentence-transformers": "requirements/ml.txt"},
    requires={
        "flask": ("jinja2",),
        "jinja2": (),
        "leftover": ("numpy", "orphan"),
        "numpy": (),
        "orphan": (),
        "pip": (),
        "sentence-transformers": ("numpy", "torch", "transformers"),
        "setuptools": (),
        "torch": ("nvidia-cublas-cu12", "setuptools"),
        "nvidia-cublas-cu12": (),
        "transformers": ("numpy", "torch"),
    },
)


def graph(required: dict[str, list[str]], *asked: str, origin: str = "requirements.txt") -> Graph:
    """What comes of requirements as metadata and files write them."""
    return resolve(
        {name: tuple(map(demand, listed)) for name, listed in required.items()},
        [Demand(d.name, d.extras, d.marker, origin) for d in map(demand, asked)],
        environment("3.12.4"),
    )


def demand(text: str) -> Demand:
    found = parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("flask", ("requirements.txt",)),
        ("Jinja2", ("flask", "requirements.txt")),
        ("torch", ("sentence-transformers", "requirements/ml.txt")),
        ("nvidia_cublas.cu12", ("torch", "sentence-transformers", "requirements/ml.txt")),
        ("orphan", ()),
        ("not-there", ()),
    ],
)
def test_a_chain_leads_to_the_file_of_the_app(name: str, chain: tuple[str, ...]) -> None:
    assert TORCH.chain(name) == chain


def test_the_shortest_chain_is_told_and_the_first_by_name_of_these() -> None:
    found = graph({"a": ["x"], "b": ["d"], "c": ["d"], "x": ["d"], "d": []}, "a", "c", "b")
    assert found.chain("d") == ("b", "requirements.txt")


def test_what_nobody_asks_for_is_named_but_for_the_tools_of_installing() -> None:
    assert TORCH.unrequired() == ("leftover", "orphan")
    assert Graph(requires=TORCH.requires).unrequired() == ()


def test_what_leaves_with_a_distribution_is_what_nothing_else_requires() -> None:
    assert TORCH.exclusive(["Sentence_Transformers"]) == {
        *("sentence-transformers", "torch", "transformers", "numpy", "nvidia-cublas-cu12")
    }
    assert TORCH.exclusive(["torch"]) == {"torch", "nvidia-cublas-cu12"}
    assert TORCH.exclusive(["leftover"]) == {"leftover"}
    assert TORCH.exclusive([]) == TORCH.exclusive(["not-there"]) == frozenset()


def test_the_requirers_of_a_distribution_are_all_that_name_it() -> None:
    assert TORCH.requirers("Numpy") == ("leftover", "sentence-transformers", "transformers")


def test_chains_make_a_graph_with_the_same_chains() -> None:
    chains = {name: TORCH.chain(name) for name in TORCH.requires if TORCH.chain(name)}
    again = Graph.of_chains(chains)
    assert {name: again.chain(name) for name in chains} == chains


def test_extras_and_markers_decide_who_requires_whom() -> None:
    found = graph(
        {
            "uvicorn": ["h11", "uvloop; extra == 'standard'", "colorama; sys_platform == 'win32'"],
            "h11": ["tomli; python_version < '3.11'", "odd; whatever"],
            "fsspec": ["aiohttp; extra == 'http'"],
            "datasets": ["fsspec[http]"],
            **{name: [] for name in ("uvloop", "colorama", "tomli", "odd", "aiohttp")},
        },
        *("uvicorn[standard]", "datasets", "pywin32; sys_platform == 'win32'", "not-there"),
    )
    assert found.requires["uvicorn"] == ("h11", "uvloop")
    assert found.requires["h11"] == ("odd",)
    assert found.chain("aiohttp") == ("fsspec", "datasets", "requirements.txt")
    # What an extra that nobody asked for can bring is no leftover.
    assert found.unrequired() == ()


def test_of_a_file_that_lists_all_that_is_installed_the_roots_were_wanted() -> None:
    required = {"flask": ["jinja2"], "jinja2": ["markupsafe"], "markupsafe": [], "numpy": []}
    found = graph(required, "flask", "jinja2", "markupsafe", "numpy")
    assert found.chain("markupsafe") == ("jinja2", "flask", "requirements.txt")
    assert sorted(found.direct) == ["flask", "numpy"]


def test_a_file_that_leaves_a_requirement_out_was_written_by_hand() -> None:
    required = {"flask": ["jinja2", "click"], "jinja2": [], "click": []}
    assert sorted(graph(required, "flask", "jinja2").direct) == ["flask", "jinja2"]


def test_what_requires_each_other_is_not_lost() -> None:
    found = graph({"a": ["b"], "b": ["a"], "c": []}, "a", "b", "c")
    assert sorted(found.direct) == ["a", "c"]
    assert found.chain("b") == ("a", "requirements.txt")


def install(site: Path, name: str, *required: str, requested: bool = False) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = "".join(f"Requires-Dist: {text}\n" for text in required)
    metadata = f"Metadata-Version: 2.4\nName: {name}\n{lines}\nRequires-Dist: no-header\n"
    (info / "METADATA").write_text(metadata)
    (info / "RECORD").touch()
    if requested:
        (info / "REQUESTED").touch()


def test_metadata_and_the_apps_files_make_the_graph(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    install(site, "Flask", "Jinja2>=3", "no-header", requested=True)
    install(site, "jinja2")
    install(site, "no_header")
    install(site, "of_a_path", requested=True)
    install(site, "pip", requested=True)
    site.joinpath("broken-1.0.dist-info").mkdir()
    tmp_path.joinpath("requirements.txt").write_text("flask\n./of/a/path\n")
    found = graph_of(site, tmp_path, "3.12.4")
    assert found.direct == {"flask": "requirements.txt", "of-a-path": "pip install"}
    assert found.requires == {
        "broken": (),
        "flask": ("jinja2", "no-header"),
        "jinja2": (),
        "no-header": (),
        "of-a-path": (),
        "pip": (),
    }
    assert found.unrequired() == ("broken",)


def test_the_metadata_of_real_packages_is_understood() -> None:
    found = graph_of(Path(sysconfig.get_path("purelib")), None, platform.python_version())
    assert {"iniconfig", "pluggy"} <= set(found.requires["pytest"])
    assert "colorama" not in found.requires["pytest"]
    assert found.unrequired() == ()


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4).map(tuple)), st.lists(NAMES))
def test_any_graph_has_chains_that_end_and_a_whole_that_leaves(
    required: dict[str, tuple[str, ...]], asked: list[str]
) -> None:
    found = graph({name: list(some) for name, some in required.items()}, *asked)
    for name in required:
        chain = found.chain(name)
        assert chain == () or chain[-1] == "requirements.txt"
        assert len(chain) <= len(required)
        for above, below in zip(chain, (name, *chain), strict=False):
            assert above == "requirements.txt" or below in found.requires[above]
    reached = {name for name in required if found.chain(name)}
    assert found.exclusive(found.direct) == reached
