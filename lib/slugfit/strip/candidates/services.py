"""Descriptions of web services, of which an app uses a few: what AWS's and Google's clients ship.

A client reads the description of a service when code asks for it by name. Remaining code holds
the names of those it asks for as strings, `client("sqs")`; where it computes a name, all are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.files import directories_above
from slugfit.strip.candidates.listing import Listing
from slugfit.strip.candidates.service_calls import Question, first_computed
from slugfit.strip.site_tree import SiteTree, SourceFile

_TEXT = re.compile(rb"""["']([\w.-]+)["']""")
_WORD = re.compile(rb"[\w.-]+")
_ASKED = re.compile(rb"""client\w*\(\s*(?:[\w.]+,\s*)?["']([\w.-]+)["']""")
_APP = ""


@dataclass(frozen=True)
class Catalogue:
    """The descriptions of one vendor's services; `path` finds the service that a file is about.

    Packages other than its `clients` use it if they mention `users`. They ask for a service by
    `questions`, or for all by the functions in `lists`.
    """

    category: str
    why: str
    path: re.Pattern[str]
    clients: frozenset[str]
    users: re.Pattern[bytes]
    questions: frozenset[Question]
    lists: frozenset[str]
    always: frozenset[str]


CATALOGUES = (
    Catalogue(
        category="AWS service models",
        why="botocore reads them when code asks for the service, and none does",
        path=re.compile(r"(?:botocore|boto3)/data/([\w.-]+)/"),
        clients=frozenset({"botocore", "boto3", "s3transfer", "aiobotocore", "aioboto3"}),
        users=re.compile(rb"\b(?:aio)?boto(?:3|core)\b"),
        questions=frozenset(
            Question(name, 0, "service_name") for name in ("client", "resource", "create_client")
        ),
        lists=frozenset(
            {"get_available_services", "get_available_resources", "list_available_services"}
        ),
        always=frozenset({"s3", "sts", "sso", "sso-oidc"}),
    ),
    Catalogue(
        category="Google API descriptions",
        why="googleapiclient reads them when code builds a client for the API, and none does",
        path=re.compile(r"googleapiclient/discovery_cache/documents/([\w-]+)\."),
        clients=frozenset({"googleapiclient", "apiclient"}),
        users=re.compile(rb"\b(?:googleapiclient|apiclient)\b"),
        questions=frozenset({Question("build", 0, "serviceName")}),
        lists=frozenset(),
        always=frozenset({"index"}),
    ),
)


def candidates(listing: Listing) -> dict[str, str]:
    """Every description of a service, with its category."""
    return {
        path: catalogue.category
        for catalogue in CATALOGUES
        for path in listing.files
        if (match := catalogue.path.match(path)) and match[1] not in catalogue.always
    }


def keep(tree: SiteTree, going: Mapping[str, str], sources: Sequence[SourceFile]) -> dict[str, str]:
    """The descriptions among `going` that `sources` can ask for, and what asks."""
    kept: dict[str, str] = {}
    for catalogue in CATALOGUES:
        services = _services(catalogue, going)
        packages = _packages(tree, sources) if services else {}
        for package, own in packages.items():
            for service, because in _asked(catalogue, services.keys(), package, own).items():
                kept |= dict.fromkeys(services[service], because)
    return kept


def named(candidates: Mapping[str, str], words: Set[str]) -> Iterator[str]:
    """The descriptions among `candidates` of services whose names are among `words`."""
    for catalogue in CATALOGUES:
        services = _services(catalogue, candidates)
        for service in services.keys() & words:
            yield from services[service]


def _services(catalogue: Catalogue, going: Mapping[str, str]) -> dict[str, list[str]]:
    """The paths of each service's descriptions."""
    services: dict[str, list[str]] = {}
    for path, category in going.items():
        if category == catalogue.category and (match := catalogue.path.match(path)):
            services.setdefault(match[1], []).append(path)
    return services


def _packages(tree: SiteTree, sources: Iterable[SourceFile]) -> dict[str, list[SourceFile]]:
    """The sources of each outermost package, and under "" those of the app."""
    regular = {path.rpartition("/")[0] for path in tree.files if path.endswith("/__init__.py")}
    packages: dict[str, list[SourceFile]] = {}
    for source in sources:
        package = _APP
        if source.file.is_relative_to(tree.root):
            path = source.file.relative_to(tree.root).as_posix()
            above = (directory for directory in directories_above(path) if directory in regular)
            package = min(above, key=len, default=path)
        packages.setdefault(package, []).append(source)
    return packages


def _asked(
    catalogue: Catalogue, services: Set[str], package: str, sources: Sequence[SourceFile]
) -> dict[str, str]:
    """The services that a package can ask for, and because of which source."""
    python = [source for source in sources if source.file.suffix == ".py"]
    if package in catalogue.clients:
        return _named(services, python, _ASKED)
    if package != _APP and not any(catalogue.users.search(_read(s.file)) for s in sources):
        return {}
    contents = [_read(source.file) for source in python]
    computed = first_computed(contents, catalogue.questions, catalogue.lists)
    if computed is not None:
        because = f"{python[computed].label} computes which service it asks for"
        return dict.fromkeys(services, because)
    return _named(services, sources, _TEXT)


def _named(
    services: Set[str], sources: Iterable[SourceFile], text: re.Pattern[bytes]
) -> dict[str, str]:
    """The services whose whole name is a text in a Python source, or a word in another one."""
    named: dict[str, str] = {}
    for source in sources:
        pattern = text if source.file.suffix == ".py" else _WORD
        words = {word.decode(errors="replace") for word in pattern.findall(_read(source.file))}
        for service in sorted(services & words):
            named.setdefault(service, f"named in {source.label}")
    return named


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
