"""A strip from beginning to end: decide, carry out, verify, record."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.settings.model import StripSettings
from slugfit.strip import Proof, Stripped, Verdicts, strip
from slugfit.strip.cache_key import app_fingerprint, tree_fingerprint
from slugfit.strip.decide import Decisions, decide, plan_for
from slugfit.strip.decision_cache import DecisionCache, key_of
from slugfit.strip.journal import Journal
from slugfit.strip.site_tree import SourceFile, read_tree
from slugfit.strip.strip_plan import Linking, Removal, StripPlan
from slugfit.strip.trials.trial import AppInterpreter, Trial

# What can name a module in an app besides its Python: commands and configuration.
_TEXTS = ("Procfile", ".py", ".json", ".toml", ".cfg", ".ini", ".yml", ".yaml", ".sh")
_LONGEST_TEXT = 100_000  # bytes, Python apart
_SECONDS = 480.0  # for imports, of the 25 minutes that a build has; strip.smoke has its own


@dataclass(frozen=True)
class Target:
    """What is stripped: the packages in `site`, which `python` runs, for `app` if there is one.

    `soabi` is the tag of its extension modules: cpython-311-x86_64-linux-gnu. `models` are trials
    that load what the app serves, each with its content's checksum in it.
    """

    site: Path
    python: Path
    soabi: str
    env: Mapping[str, str]
    app: Path | None = None
    models: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A plan, which candidates are kept and why, and the decisions behind both."""

    plan: StripPlan
    kept: Mapping[str, str]
    decisions: Decisions
    key: str


def plan_strip(target: Target, settings: StripSettings, cache: DecisionCache) -> Planned:
    """What may be removed. Changes nothing."""
    tree = read_tree(target.site, target.soabi)
    key = tree_fingerprint(tree, settings.level, *settings.keep, "", *settings.remove)
    decisions = cache.decisions(key) or decide(tree, settings)
    plan, kept = plan_for(tree, decisions, list(app_sources(target.app)))
    return Planned(plan, kept, decisions, key)


def carry_out(
    planned: Planned,
    target: Target,
    settings: StripSettings,
    cache: DecisionCache,
    changes: Changes,
) -> Stripped:
    """Carry out the plan, and verify it. Raises SmokeFailed."""
    packages = key_of(planned.key, repr(sorted(planned.plan.owners())))
    loads = (trial.statement for trial in target.models)
    start = key_of(packages, settings.bytecode, app_fingerprint(target.app), *loads)
    proof = Proof(
        AppInterpreter(target.python, target.env, until=time.monotonic() + _SECONDS),
        settings,
        target.app,
        planned.decisions.dynamic_modules,
        Verdicts(cache.verdict(packages), cache.verdict(start)),
        target.models,
    )
    stripped = strip(target.site, planned.plan, changes, proof)
    for key, verdict in ((packages, stripped.verdicts.packages), (start, stripped.verdicts.app)):
        if verdict is not None:
            cache.add_verdict(key, verdict)
    hashes = {**planned.decisions.hashes, **stripped.hashes}
    cache.add_decisions(planned.key, replace(planned.decisions, hashes=hashes))
    return stripped


def journal_of(planned: Planned, stripped: Stripped, site: str) -> Journal:
    """The record of a strip whose site-packages are at `site`, relative to the journal's root."""
    done = stripped.done
    gone: tuple[Removal | Linking, ...] = (*done.removals, *done.linkings)
    return Journal(
        site=site,
        removed={removal.path: removal.category for removal in done.removals},
        shrunk={shrinking.path: shrinking.bytes for shrinking in done.shrinkings},
        linked={linking.path: linking.target for linking in done.linkings},
        kept=planned.kept,
        restored={r.distribution: f"{r.failed} fails: {r.said}" for r in stripped.restored},
        gone={change.path: change.bytes for change in gone},
    )


def app_sources(app: Path | None) -> Iterator[SourceFile]:
    """The app's own files that can name a module: none in hidden directories."""
    if app is None:
        return
    for directory, subdirectories, names in os.walk(app):
        subdirectories[:] = sorted(s for s in subdirectories if not s.startswith("."))
        for name in sorted(names):
            file = Path(directory, name)
            if name.endswith(_TEXTS) and _is_text(file):
                path = file.relative_to(app).as_posix()
                package = path.rpartition("/")[0].replace("/", ".")
                yield SourceFile(file, package, f"{path} of the app")


def _is_text(file: Path) -> bool:
    """Whether `file` is a regular file, and short enough to be written by hand."""
    try:
        return file.suffix == ".py" or file.stat().st_size <= _LONGEST_TEXT
    except OSError:
        return False  # a broken link
