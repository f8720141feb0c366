"""What level "safe" will take from a wheel, as far as names tell.

The strip's own rules, without the proofs that need a file's content: what few of the nominated
files code that stays turns out to need is in the factors that sizes are told with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from slugfit.forecast.wheels import Member
from slugfit.strip.nominate.contents import has_other_tag
from slugfit.strip.nominate.rules import Rule, load_rules

_FOREIGN = (".dll", ".pyd", ".exe", ".pdb", ".dylib", ".lib")
_CODE = (".py", ".so")


def nominated(
    members: Iterable[Member], soabi: str, installed: Iterable[str] = ()
) -> frozenset[str]:
    """The paths in site-packages that the rules are about, beside the packages `installed`."""
    inside = [member for member in members if not member.path.startswith("../")]
    return frozenset(_by_rules(inside, soabi, installed))


def _by_rules(members: list[Member], soabi: str, installed: Iterable[str]) -> Iterator[str]:
    rules = load_rules()
    barred = rules.barred(installed)
    about, whole_of, is_exempt = cache(rules.about), cache(rules.whole), cache(rules.is_exempt)
    strays, tools = _strays(members), _tools(members)
    names = _names(members)
    for member in members:
        directory, _, name = member.path.rpartition("/")
        parts = tuple(filter(None, directory.split("/")))
        top = parts[:1]
        if is_exempt(parts) or not tools.isdisjoint(top) or rules.never.covers(member.path):
            continue
        whole = whole_of(parts if strays.issuperset(top) else parts[1:])
        if not barred.issuperset(whole) or any(
            _holds(rules.rules[place], member, parts, names.get(directory, set()), soabi)
            for place in about(name)
            if place not in barred
        ):
            yield member.path


def _holds(
    rule: Rule, member: Member, parts: tuple[str, ...], beside: set[str], soabi: str
) -> bool:
    name = member.path.rpartition("/")[2]
    return (
        (not rule.within or not rule.within.isdisjoint(parts))
        and (not rule.beside or _is_beside(rule, name, beside))
        and _is(rule.content, member, name, soabi)
    )


def _is_beside(rule: Rule, name: str, names: set[str]) -> bool:
    """Whether another of `names`, those in the directory, is what the rule asks for."""
    others = names - {name}
    return any(any(map(wanted.match, others)) for wanted in rule.neighbours(name))


def _is(content: str | None, member: Member, name: str, soabi: str) -> bool:
    """What a rule asks of the content, guessed from the name."""
    if content == "program":
        return member.program
    if content == "foreign module":
        return has_other_tag(name, soabi)
    if content == "foreign binary":
        return name.endswith(_FOREIGN)
    return True


def _names(members: Iterable[Member]) -> dict[str, set[str]]:
    """What is in each directory; the names of directories end with "/"."""
    names: dict[str, set[str]] = {}
    for member in members:
        path, end = member.path, ""
        while path:
            path, _, name = path.rpartition("/")
            if name + end in names.setdefault(path, set()):
                break
            names[path].add(name + end)
            end = "/"
    return names


def _strays(members: Iterable[Member]) -> frozenset[str]:
    """The top-level `tests` and the like of a wheel that has a package besides."""
    directories = load_rules().directories
    tops = {m.path.partition("/")[0] for m in members if m.path.endswith(_CODE)}
    return frozenset(tops & directories) if tops - directories else frozenset()


def _tools(members: list[Member]) -> frozenset[str]:
    """The top-level directories with a program and without a library."""
    programs = {m.path.partition("/")[0] for m in members if m.program and "/" in m.path}
    return frozenset(programs - {m.path.partition("/")[0] for m in members if ".so" in m.path})
