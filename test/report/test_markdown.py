"""The comment on a pull request, to the letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from slugfit.report.markdown import markdown

MB = 1_000_000


def item(name: str, version: str, size: int, **rest: Any) -> dict[str, Any]:
    sizes = {"compressed_bytes": size, "raw_bytes": size * 3}
    return {"kind": "distribution", "name": name, "version": version, **sizes, **rest}


def sized(name: str, size: int) -> dict[str, Any]:
    return {"name": name, "compressed_bytes": size, "raw_bytes": size * 3}


def document(size: int = 230 * MB, **rest: Any) -> dict[str, Any]:
    told = {
        "compressed_bytes": size,
        "raw_bytes": size * 3,
        "before_strip": {"compressed_bytes": size, "raw_bytes": size * 3},
        "limit_bytes": 1000 * MB,
        "warn_bytes": 300 * MB,
        "items": [item("numpy", "2.4.1", size)],
    }
    return {"schema_version": 3, "slug": {**told, **rest}}


WHOLE = document(
    before_strip={"compressed_bytes": 260 * MB, "raw_bytes": 700 * MB},
    boot={"download_seconds": 4.6, "unpack_seconds": 6.2, "bytes_per_second": 50 * MB},
    changes={
        "bytes": 178 * MB,
        "items": [
            {"name": "nvidia-nccl-cu12", "before": None, "after": "2.27", "bytes": 180 * MB},
            {"name": "black", "before": "25.1", "after": None, "bytes": -2 * MB},
        ],
    },
    items=[
        item(
            *("xgboost", "3.1.0", 215 * MB),
            required_by=["requirements.txt"],
            categories=[sized("shared libraries", 200 * MB), sized("data", 15 * MB)],
        ),
        item(
            *("tzdata", "2025.2", 15 * MB),
            required_by=["pandas", "requirements.txt"],
            categories=[sized("data", 15 * MB)],
        ),
    ],
    savings=[
        {
            "id": "xgboost-cpu",
            "bytes": 190 * MB,
            "what": "xgboost-cpu, which is xgboost without CUDA",
            "how": "In requirements.txt, replace xgboost with:\nxgboost-cpu",
        },
        {"id": "x", "bytes": 9 * MB, "what": "m with 8 bits", "how": "Quantize it_."},
        {"id": "y", "bytes": 8 * MB, "what": "no black", "how": "uv remove black"},
    ],
)


def test_the_comment_tells_everything() -> None:
    assert markdown(WHOLE).splitlines() == [
        "### ✅ Slug: 230.0 MB of 1.00 GB",
        "",
        "230.0 MB compressed, 690.0 MB unpacked; before stripping 260.0 MB compressed; "
        "about 10.8 s of each boot.",
        "",
        "**+178.0 MB** since the last build:",
        "",
        "|  | before | now | compressed |",
        "|---|---|---|---:|",
        "| nvidia-nccl-cu12 | – | 2.27 | +180.0 MB |",  # noqa: RUF001 - a dash
        "| black | 25.1 | – | −2.0 MB |",  # noqa: RUF001 - a dash, and a minus sign
        "",
        "| largest items | compressed | unpacked | required by |",
        "|---|---:|---:|---|",
        "| xgboost 3.1.0 | 215.0 MB | 645.0 MB | requirements.txt |",
        "| tzdata 2025.2 | 15.0 MB | 45.0 MB | pandas ← requirements.txt |",
        "",
        "<details><summary>Contents by category</summary>",
        "",
        "|  | compressed | unpacked |",
        "|---|---:|---:|",
        "| shared libraries | 200.0 MB | 600.0 MB |",
        "| data | 30.0 MB | 90.0 MB |",
        "",
        "</details>",
        "",
        "<details><summary>Ways to make it smaller</summary>",
        "",
        "- **Saves about 190.0 MB**: xgboost-cpu, which is xgboost without CUDA.",
        "",
        "  In requirements.txt, replace xgboost with:",
        "  ```",
        "  xgboost-cpu",
        "  ```",
        "",
        "- **Saves about 9.0 MB**: m with 8 bits.",
        "",
        r"  Quantize it\_.",
        "",
        "- **Saves about 8.0 MB**: no black.",
        "",
        "  ```",
        "  uv remove black",
        "  ```",
        "",
        "</details>",
    ]


@pytest.mark.parametrize(
    ("size", "lines"),
    [
        (300 * MB, ["### ✅ Slug: 300.0 MB of 1.00 GB"]),
        (
            301 * MB,
            [
                "### ⚠️ Slug: 301.0 MB of 1.00 GB",
                "That is over the warning level of 300.0 MB.",
            ],
        ),
        (
            1200 * MB,
            ["### ❌ Slug: 1.20 GB of 1.00 GB", "That is 200.0 MB over the limit."],
        ),
    ],
)
def test_the_verdict_comes_first(size: int, lines: list[str]) -> None:
    told = markdown(document(size)).splitlines()
    assert [line for line in told[:4] if line][::2] == lines


@pytest.mark.parametrize("changes", [None, {"bytes": 10, "items": []}])
def test_nothing_is_said_of_no_changes(changes: Mapping[str, Any] | None) -> None:
    assert "last build" not in markdown(document(changes=changes))


def test_names_are_no_markup() -> None:
    told = markdown(document(items=[item("<img src=x>|`a`\n*b*", "", MB)]))
    assert r"| \<img src=x\>\|\`a\` \*b\* | 1.0 MB |" in told


def test_a_fence_is_longer_than_what_is_in_it() -> None:
    saving = {"id": "x", "bytes": MB, "what": "x", "how": "Do:\n````\nthat"}
    assert "  `````\n  ````\n  that\n  `````\n" in markdown(document(savings=[saving]))


def test_only_the_biggest_are_listed() -> None:
    items = [item(f"p{n:02}", "1", n * MB) for n in range(1, 31)]
    listed = [line for line in markdown(document(items=items)).splitlines() if "| p" in line]
    assert [line.split()[1] for line in listed] == [f"p{n}" for n in range(30, 20, -1)]
