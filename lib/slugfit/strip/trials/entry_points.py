"""The installed programs that an app's commands start: gunicorn, celery and their like."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from slugfit.packages.distributions import Distribution
from slugfit.strip.trials.trial import Trial, importing


class _EntryPoints(configparser.RawConfigParser):
    """The names in entry_points.txt keep their case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def programs_of(
    site: Path, distributions: Iterable[Distribution], words: Iterable[str]
) -> dict[str, Trial]:
    """Distributions with a console script among `words`, and the import of what it starts with."""
    named = {os.path.basename(word) for word in words}
    found = {}
    for distribution in distributions:
        scripts = _scripts_of(site / distribution.info / "entry_points.txt")
        for name in sorted(named & scripts.keys()):
            found[distribution.name] = importing(scripts[name].partition(":")[0].strip())
    return found


def console_scripts(entry_points: str) -> Mapping[str, str]:
    """Script → module:function, of an entry_points.txt.

    Source: the "Entry points" specification.
    """
    parser = _EntryPoints(delimiters=("=",), strict=False)
    try:
        parser.read_string(entry_points)
        return dict(parser["console_scripts"])
    except (KeyError, configparser.Error):
        return {}


def _scripts_of(file: Path) -> Mapping[str, str]:
    try:
        return console_scripts(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}
