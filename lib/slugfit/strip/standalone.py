"""A strip outside a build: of a given tree, for a Python that is found beside it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.base.errors import Explanation, Failure
from slugfit.settings.model import StripSettings
from slugfit.strip import Stripped
from slugfit.strip.decision_cache import DecisionCache
from slugfit.strip.engine import Target, carry_out, journal_of, plan_strip
from slugfit.strip.journal import JOURNAL, Journal, read_journal, write_journal

_TREES = 32  # whose decisions and verdicts are remembered
_ASK = (
    "import json, sys, sysconfig;"
    "print(json.dumps([sys.version_info[:2], sysconfig.get_config_var('SOABI') or '', sys.path]))"
)
_OLDEST = (3, 10)


class NoPackages(Failure):
    """A directory in which nothing is installed."""

    id = "slim::no-packages"

    def __init__(self, site: Path) -> None:
        self.site = site

    def explain(self) -> Explanation:
        return Explanation(
            summary="No package is installed in this directory.",
            where=str(self.site),
            evidence=("found no *.dist-info in it",),
            why="Only these directories tell which files belong to which package.",
            fixes=(
                "Give the site-packages directory itself:\n"
                "slugfit slim .venv/lib/python3.12/site-packages\n"
                "Python prints where it is:\n"
                "python -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'",
            ),
        )


class PythonUnknown(Failure):
    """No Python can be found that imports the packages, or it does not start."""

    id = "slim::python-unknown"

    def __init__(self, site: Path, detail: str) -> None:
        self.site = site
        self.detail = detail

    def explain(self) -> Explanation:
        return Explanation(
            summary="Slugfit can't tell which Python imports these packages.",
            where=str(self.site),
            evidence=(self.detail,),
            why="Removals are verified by importing the packages in the Python that runs them.",
            fixes=("Give it:\nslugfit slim SITE_PACKAGES --python /usr/bin/python3.12",),
        )


def target_for(
    site: Path, python: Path | None, app: Path | None, environ: Mapping[str, str]
) -> Target:
    """The tree at `site` with its Python. Raises NoPackages, PythonUnknown."""
    site = site.resolve()
    if not any(site.glob("*.dist-info")):
        raise NoPackages(site)
    # Not resolved: a virtual environment's Python is known by where its link is.
    found = Path(os.path.abspath(python)) if python else _python_beside(site)
    version, soabi, paths = _ask(found, site)
    if tuple(version) < _OLDEST:
        raise PythonUnknown(site, f"{found} is older than Python 3.10")
    env = {name: environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in environ}
    if not any(os.path.realpath(path) == str(site) for path in paths):
        env["PYTHONPATH"] = str(site)
    return Target(site, found, soabi, env, app.resolve() if app else None)


def slim(target: Target, settings: StripSettings, cache: Path, *, dry_run: bool) -> Stripped:
    """Strip the target, and leave a journal in it. Undone if anything fails."""
    decisions = DecisionCache(cache, keep=_TREES)
    changes = Changes(target.site, target.site / ".slugfit/removed")
    changes.recover()
    planned = plan_strip(target, settings, decisions)
    if dry_run:
        return Stripped(planned.plan)
    try:
        changes.make_directory(changes.side)
        stripped = carry_out(planned, target, settings, decisions, changes)
        _write_down(journal_of(planned, stripped, "."), target.site / JOURNAL, changes)
    except BaseException:
        changes.undo()
        raise
    changes.keep()
    _save(decisions, cache)
    return stripped


def _write_down(journal: Journal, file: Path, changes: Changes) -> None:
    """Write the journal, after what is written there of strips before this one."""
    if file.exists():
        journal = read_journal(file).followed_by(journal)
    content = write_journal(journal)
    if not file.exists() or file.read_bytes() != content:
        changes.write(file, content)


def _save(decisions: DecisionCache, cache: Path) -> None:
    changes = Changes(cache, cache / "removed")
    decisions.save(changes)
    changes.keep()


def _python_beside(site: Path) -> Path:
    """The Python of the prefix that `site` is in: PREFIX/lib/python3.12/site-packages."""
    python = site.parent.parent.parent / "bin/python3"
    if site.name != "site-packages" or not python.exists():
        raise PythonUnknown(site, f"not found: {python}")
    return python


def _ask(python: Path, site: Path) -> tuple[list[int], str, list[str]]:
    """The version, the tag of extension modules and the search path of a Python."""
    try:
        answer = subprocess.run(  # noqa: S603 (the user's own, by its path)
            [python, "-c", _ASK], capture_output=True, check=True, timeout=60
        )
        version, soabi, paths = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise PythonUnknown(site, f"{python} does not start: {error}") from error
    return version, soabi, paths
