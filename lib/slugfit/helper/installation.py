"""Installs a lock into a directory with pip, isolated from any other pip configuration."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path
from py_compile import PycInvalidationMode

from slugfit.base.errors import Explanation, Failure
from slugfit.base.files import naming_full_disk
from slugfit.helper.pruning import prune

# Environment variables for pip: network access and paths. Those that earlier buildpacks exported,
# PIP_TARGET among them, are left out.
_PASSED_VARIABLES = (
    *("PATH", "TMPDIR", "LD_LIBRARY_PATH"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_INDEX_URL"),
)
_OPTIONS = (
    *("--no-deps", "--only-binary", ":all:"),
    *("--no-compile", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet"),
)
_MAX_LINES = 5


class DependenciesNotInstalled(Failure):
    """pip failed. `output` is the end of its output."""

    id = "boot::dependencies-not-installed"
    kind = "upstream"

    def __init__(self, output: str) -> None:
        self.output = output

    def explain(self) -> Explanation:
        return Explanation(
            summary="Slugfit's own dependencies could not be installed.",
            evidence=(self.output or "pip printed no message.",),
            fixes=("the status of the Python Package Index: https://status.python.org",),
        )


class PipMissing(Failure):
    """This Python has no bundled or installed pip, as on Debian without python3-venv."""

    id = "boot::pip-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="This Python has no pip.",
            where=sys.executable,
            why="Slugfit uses pip to install its own dependencies into a cache.",
            fixes=(
                "On Debian and Ubuntu:\napt install python3-venv",
                "Or use a Python that has pip:\nSLUGFIT_PYTHON=/path/to/python3 slugfit …",
            ),
        )


def make_work_directory(directory: Path) -> Path:
    """A new directory in `directory`, which is created if it is missing."""
    with naming_full_disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="new.", dir=directory))


def install(lock: Path, into: Path, environ: Mapping[str, str]) -> None:
    """Install `lock` into `into`. Its parent directory is pip's home, and gets its log.

    Raises DependenciesNotInstalled or PipMissing.
    """
    log = into.parent / "log"
    if not _pip_installs(lock, into, environ, log):
        output = log.read_text(errors="replace").splitlines()
        if output and output[-1].endswith("No module named pip"):
            raise PipMissing
        raise DependenciesNotInstalled("\n".join(output[-_MAX_LINES:]))
    prune(into)
    # Unchecked: the cache is transferred as an archive, which changes times.
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(into, quiet=2, invalidation_mode=unchecked)


def _pip_installs(lock: Path, into: Path, environ: Mapping[str, str], log: Path) -> bool:
    home = into.parent
    argv, env = pip_install(home, environ)
    target = ["--target", str(into), "--requirement", str(lock), "--require-hashes"]
    with naming_full_disk(home), log.open("wb") as output:
        into.mkdir()  # pip creates none when no requirement applies to this Python
        finished = subprocess.run(  # noqa: S603 (no shell, constant arguments)
            [*argv, *target],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return finished.returncode == 0


def pip_install(home: Path, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The start of a `pip install` command, and its environment, with `home` as HOME."""
    # pip reads a configuration file in HOME, which is the app's directory on Heroku CI.
    env = {"LANG": "C.UTF-8", "HOME": str(home)}
    env |= {name: environ[name] for name in _PASSED_VARIABLES if environ.get(name)}
    return [sys.executable, "-I", "-X", "utf8", *_pip(home), "install", *_OPTIONS], env


def _pip(home: Path) -> list[str]:
    """Arguments that run pip: the wheel bundled with CPython (uv and poetry install no pip).

    Linux distributions can have it elsewhere, or pip only as an installed package.
    """
    bundled = Path(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")
    folders = [bundled, Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or bundled)]
    wheel = next((w for folder in folders for w in sorted(folder.glob("pip-*.whl"))), None)
    if wheel is None:
        return ["-m", "pip"]
    # Unpacked, it starts in half the time; with bytecode, for the next group, in a quarter.
    if not (home / "pip").exists():
        shutil.unpack_archive(wheel, home, "zip")
    return ["-S", str(home / "pip")]
