"""`make bench-boot`: how long `tar` takes to unpack a slug, and the line through that.

Prints the coefficients that lib/slugfit/slug/boot.py has, and how far they are off. Seconds are
those of one processor, tar's and gzip's together: a small dyno has a share of one. Files are
unpacked into memory, as far as there is a filesystem in it: of a dyno's disk, nothing is known.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.documented import add_write, document
from bench.machine import Others, describe
from bench.measure import run
from bench.results import say
from bench.strip_stacks import install

STACKS = ("tflite", "litert", "onnxruntime", "cv", "sklearn", "nlp", "torch")
ROUNDS = 7
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of ours in it
_MODEL_BYTES = 200_000_000
_SMALL_FILES = 20_000


@dataclass(frozen=True)
class Slug:
    """A packed tree, and the least seconds that unpacking it took."""

    name: str
    compressed: int
    raw: int
    files: int
    seconds: float

    @property
    def row(self) -> tuple[float, ...]:
        """What the seconds are a linear function of: 1, MB, MB, thousands of files."""
        return (1.0, self.compressed / 1e6, self.raw / 1e6, self.files / 1e3)


def main(environ: Mapping[str, str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.boot", description=__doc__)
    parser.add_argument("--stacks", type=lambda names: names.split(","), default=STACKS)
    add_write(parser)
    arguments = parser.parse_args()
    others = Others()
    with TemporaryDirectory(prefix="slugfit-bench-", dir=environ.get("TMPDIR")) as directory:
        trees = [*synthetic(Path(directory)), *((s, install(s).site) for s in arguments.stacks)]
        slugs = [measure(name, tree, Path(directory), environ) for name, tree in trees]
    factors = fit([slug.row for slug in slugs], [slug.seconds for slug in slugs])
    say("# `make bench-boot`", "", *(f"- {fact}" for fact in describe()), "")
    lines = [*report(slugs, factors)]
    say(*lines, "", f"All this time {others.share}.")
    if arguments.write:
        document("bench-boot", lines)


def report(slugs: Sequence[Slug], factors: Sequence[float]) -> Iterator[str]:
    """Yield the table, and the line."""
    yield "| slug | compressed | unpacked | files | seconds | by the formula | off |"
    yield f"|---|{'---:|' * 6}"
    yield from (_line(slug, factors) for slug in slugs)
    names = ("seconds", "per MB compressed", "per MB unpacked", "per 1000 files")
    told = ", ".join(f"{factor:.5f} {name}" for factor, name in zip(factors, names, strict=True))
    yield ""
    yield f"Least squares of the relative error: {told}. R² = {_r_squared(slugs, factors):.3f}."


def synthetic(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield trees at the ends of what slugs are: one big model, and small files alone."""
    chance = random.Random(1)  # noqa: S311 - not for secrets
    model = directory / "one model"
    model.mkdir()
    model.joinpath("weights.bin").write_bytes(chance.randbytes(_MODEL_BYTES))
    yield model.name, model
    small = directory / "small files"
    for number in range(_SMALL_FILES):
        file = small / str(number // 100) / f"{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chance.randbytes(300).hex().encode())
    yield small.name, small


def measure(name: str, tree: Path, directory: Path, environ: Mapping[str, str]) -> Slug:
    """Pack a tree as the platform does, and unpack it as a dyno does."""
    packed = directory / "slug.tgz"
    unpacked = (_MEMORY if _MEMORY.is_dir() else directory) / f"{directory.name}-unpacked"
    with tarfile.open(packed, "w:gz", compresslevel=6, dereference=False) as archive:
        archive.add(tree, "app")
    files = [p.lstat().st_size for p in tree.rglob("*") if p.is_symlink() or not p.is_dir()]
    seconds = []
    for _ in range(ROUNDS):
        unpacked.mkdir()
        seconds.append(run(["tar", "-xzf", str(packed), "-C", str(unpacked)], environ).cpu)
        shutil.rmtree(unpacked)
    return Slug(name, packed.stat().st_size, sum(files), len(files), min(seconds))


def fit(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[float]:
    """The factors with the least squares of relative errors, none of them below zero."""
    kept = list(range(len(rows[0])))
    while True:
        scaled = [[row[i] / s for i in kept] for row, s in zip(rows, seconds, strict=True)]
        found = _least_squares(scaled)
        if min(found) >= 0:
            break
        del kept[found.index(min(found))]
    by_place = dict(zip(kept, found, strict=True))
    return [by_place.get(i, 0.0) for i in range(len(rows[0]))]


def _least_squares(rows: list[list[float]]) -> list[float]:
    """x of the least |rows·x - 1|, by the normal equations."""
    size = range(len(rows[0]))
    matrix = [
        [sum(r[i] * r[j] for r in rows) for j in size] + [sum(r[i] for r in rows)] for i in size
    ]
    for i in size:
        pivot = matrix[i][i]
        matrix[i] = [value / pivot for value in matrix[i]]
        for j in size:
            if j != i:
                matrix[j] = [
                    a - matrix[j][i] * b for a, b in zip(matrix[j], matrix[i], strict=True)
                ]
    return [row[-1] for row in matrix]


def _line(slug: Slug, factors: Sequence[float]) -> str:
    told = _predicted(slug, factors)
    cells = (
        *(slug.name, f"{slug.compressed / 1e6:.1f} MB", f"{slug.raw / 1e6:.1f} MB"),
        *(f"{slug.files:,}", f"{slug.seconds:.2f} s", f"{told:.2f} s"),
        f"{told / slug.seconds - 1:+.0%}",
    )
    return f"| {' | '.join(cells)} |"


def _predicted(slug: Slug, factors: Sequence[float]) -> float:
    return sum(f * x for f, x in zip(factors, slug.row, strict=True))


def _r_squared(slugs: Sequence[Slug], factors: Sequence[float]) -> float:
    mean = sum(slug.seconds for slug in slugs) / len(slugs)
    left = sum((slug.seconds - _predicted(slug, factors)) ** 2 for slug in slugs)
    return 1 - left / sum((slug.seconds - mean) ** 2 for slug in slugs)


if __name__ == "__main__":
    main(os.environ)
