"""Loads rules.toml: which categories of files may go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.toml import loads


@dataclass(frozen=True)
class Rule:
    """Nominates directories by name and files by suffix."""

    category: str
    why: str
    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """All rules in order; the first that nominates a file gives it its category."""

    rules: tuple[Rule, ...]
    never_directories: tuple[str, ...]
    never_files: tuple[str, ...]


def load_rules() -> Rules:
    document = loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
    rules = (
        Rule(
            category=rule["category"],
            why=rule["why"],
            names=frozenset(rule.get("names", ())),
            suffixes=tuple(rule.get("suffixes", ())),
        )
        for rule in document["rules"]
    )
    never = document["never"]
    return Rules(tuple(rules), tuple(never["directories"]), tuple(never["files"]))
