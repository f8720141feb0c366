"""The golden test: bash and Python render the same failure to the same bytes."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from typing import ClassVar

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slugfit.base.errors import Explanation, Failure, Kind, render
from slugfit.base.output import Output, Redactor
from support.paths import REPOSITORY

LIBRARY = REPOSITORY / "lib"


def python_bytes(failure: Failure) -> bytes:
    """What Python writes to stderr for `failure`."""
    stderr = io.BytesIO()
    text = io.TextIOWrapper(stderr, encoding="utf-8", newline="")
    Output(io.StringIO(), text, Redactor()).failure(failure)
    text.flush()
    return stderr.getvalue()


def bash_bytes(
    script: str, *arguments: str | Path, stdin: str = "", home: Path | None = None
) -> bytes:
    """What bash writes to stderr in `script`, with lib/*.sh sourced as bin/compile does."""
    finished = subprocess.run(
        [
            *("bash", "-euo", "pipefail", "-c"),
            f'source "{LIBRARY}/failure.sh"; source "{LIBRARY}/boot.sh"; {script}',
            *("bash", *arguments),
        ],
        input=stdin.encode(),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        check=False,
    )
    assert finished.stdout == b""
    return finished.stderr


class PythonMissing(Failure):
    """As lib/boot.sh tells it."""

    id = "boot::python-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app has no Python.",
            where=".heroku/python/bin/python",
            why="Slugfit works on what heroku/python has installed, and runs after it.",
            fixes=(
                "Put heroku/python before Slugfit:\nheroku buildpacks:add --index 1 heroku/python",
                "If app.json lists buildpacks, list heroku/python there first.",
            ),
        )


class PythonUnsupported(Failure):
    """As lib/boot.sh tells it."""

    id = "boot::python-unsupported"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's Python is older than 3.10, or does not start.",
            where=".heroku/python/bin/python",
            why="Slugfit runs under the app's own Python, and needs 3.10 or later.",
            fixes=(
                "Ask for a supported version, and commit the file:\necho 3.14 >.python-version",
            ),
        )


class Unexpected(Failure):
    """As lib/failure.sh tells it."""

    id = "internal::unexpected"
    kind = "internal"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The build script stopped unexpectedly.",
            evidence=('failure.sh:12: rm -f "${1}/${RECORD}"',),
            fixes=("Report it with the lines above: https://github.com/slugfit/slugfit/issues",),
        )


def test_a_missing_python_reads_alike(tmp_path: Path) -> None:
    said = bash_bytes('boot::find_python "$@"', tmp_path / "app", tmp_path / "cache")
    assert said == python_bytes(PythonMissing())


def test_an_unsupported_python_reads_alike(tmp_path: Path) -> None:
    said = bash_bytes('boot::python_unsupported "$@"', tmp_path)
    assert said == python_bytes(PythonUnsupported())


def test_an_internal_error_reads_alike(tmp_path: Path) -> None:
    place = 'failure.sh:12: rm -f "${1}/${RECORD}"'
    assert bash_bytes('failure::internal "$@"', tmp_path, place) == python_bytes(Unexpected())


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp", "Zs")), min_size=1
)
TEXTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
BLOCKS = st.lists(TEXTS, min_size=1, max_size=3).map("\n".join)
KINDS: list[Kind] = ["user", "upstream", "internal"]


@given(
    st.builds(
        Explanation,
        summary=TEXTS,
        where=st.just("") | BLOCKS,
        evidence=st.lists(BLOCKS, max_size=2).map(tuple),
        why=st.just("") | BLOCKS,
        fixes=st.lists(BLOCKS, max_size=3).map(tuple),
    ),
    st.sampled_from(KINDS),
)
@settings(max_examples=40, deadline=None)
def test_any_failure_reads_alike(explanation: Explanation, of_kind: Kind) -> None:
    class Sample(Failure):
        id = "sample::any-failure"
        kind: ClassVar[Kind] = of_kind

        def explain(self) -> Explanation:
            return explanation

    # Bash has nothing to redact.
    assume(not any(Redactor()(line) != line for line in render(Sample())))
    *message, _, _, _ = render(Sample())  # bash adds the last paragraph itself
    said = bash_bytes('failure::show "$@"', Sample.id, stdin="\n".join(message) + "\n")
    assert said == python_bytes(Sample())
