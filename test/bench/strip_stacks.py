"""The stacks that are stripped: what their locks name, installed as heroku/python does with pip."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from slugfit.local.python_discovery import find_interpreter
from support.paths import SHARED_CACHE

TITLES = {
    "tflite": "Flask, tflite-runtime",
    "litert": "Flask, LiteRT",
    "onnxruntime": "Flask, ONNX Runtime",
    "tensorflow": "tensorflow-cpu",
    "torch": "torch (CPU)",
    "sklearn": "scikit-learn, pandas, scipy, matplotlib, xgboost, lightgbm",
    "cv": "opencv, scikit-image",
    "nlp": "transformers, spacy, nltk",
    "stats": "statsmodels, seaborn, pandas (nothing was fitted to these)",
    "columns": "pyarrow, sqlalchemy, pillow, FastAPI (likewise)",
    "clouds": "boto3, duckdb, polars, cryptography (likewise)",
}
STACKS = ("tflite", "litert", "onnxruntime", "tensorflow", "torch", "sklearn", "cv", "nlp")
SERIES = "3.11"
LOCKS = Path(__file__).with_name("stacks")
INSTALLED = SHARED_CACHE / "bench" / "stacks"
TREES = SHARED_CACHE / "bench" / "trees"


@dataclass(frozen=True)
class Installed:
    """A virtual environment with a stack's packages; copies of it work where they are."""

    stack: str
    root: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.root / "bin" / "python"

    @property
    def site(self) -> Path:
        """Its site-packages."""
        return self.root / "lib" / f"python{SERIES}" / "site-packages"

    @contextmanager
    def copy(self, *, linked: bool) -> Iterator[Installed]:
        """Give a copy, for as long as it is needed.

        A linked one shares its files, as a build shares those that heroku/python has cached.
        """
        TREES.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{self.stack}-", dir=TREES) as directory:
            copied = Path(directory, "venv")
            link = ["--link"] if linked else []
            subprocess.run(["cp", "--archive", *link, str(self.root), str(copied)], check=True)
            yield Installed(self.stack, copied)


def install(stack: str) -> Installed:
    """Return a stack, installed now unless it was before."""
    root = INSTALLED / f"{stack}-{key(stack)}"
    ready = root / ".ready"
    if not ready.exists():
        shutil.rmtree(root, ignore_errors=True)
        _make(root, LOCKS / f"{stack}.txt")
        ready.touch()
    return Installed(stack, root)


def key(stack: str) -> str:
    """Name what a stack consists of: its lock, and the Python."""
    lock = (LOCKS / f"{stack}.txt").read_bytes()
    version = find_interpreter(SERIES, os.environ).version
    return hashlib.sha256(lock + version.encode()).hexdigest()[:12]


def _make(root: Path, lock: Path) -> None:
    python = find_interpreter(SERIES, os.environ).executable
    subprocess.run([str(python), "-m", "venv", str(root)], check=True, stdout=sys.stderr)
    # Wheels alone: what is measured is what others install, too.
    pip = [str(root / "bin" / "python"), "-m", "pip", "install", "--only-binary", ":all:"]
    quiet = ("--quiet", "--disable-pip-version-check")
    command = [*pip, *quiet, "--requirement", str(lock)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    if list(root.glob("lib/*/site-packages/nvidia*")):
        raise RuntimeError(f"{lock}: pip found a build for GPUs")
