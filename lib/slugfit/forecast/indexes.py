"""Where packages come from on this machine: pip's configuration, translated for uv."""

from __future__ import annotations

import netrc
import os
import re
from collections.abc import Iterable, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slugfit.base.http import Network

_PASSED_ON = (
    *("PATH", "HOME", "TMPDIR", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
_OPTIONS = ("index-url", "extra-index-url", "find-links", "cert")
_OWN_INDEX = re.compile(r"^\s*(?:-i|--index-url)\b", re.MULTILINE)
_URL = re.compile(r"https?://[^\s\"'#]+")


@dataclass(frozen=True)
class Indexes:
    """pip's options by name, "" if unset."""

    options: Mapping[str, str]
    environ: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Indexes:
        """From PIP_* variables, else from pip's configuration files."""
        configured = _configured(environ)
        named = {
            option: environ.get(f"PIP_{option.upper().replace('-', '_')}") for option in _OPTIONS
        }
        return cls({o: v or configured.get(o, "") for o, v in named.items()}, environ)

    def for_uv(self, cache: Path, requirements: str) -> dict[str, str]:
        """The environment of a uv that resolves `requirements`, the text of a file."""
        environ = self.environ
        own = {"UV_CACHE_DIR": str(cache), "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
        if self.options["extra-index-url"]:
            own["UV_EXTRA_INDEX_URL"] = " ".join(self.options["extra-index-url"].split())
        if self.options["find-links"]:
            own["UV_FIND_LINKS"] = ",".join(self.options["find-links"].split())
        if self.options["cert"]:
            own["SSL_CERT_FILE"] = self.options["cert"]
        # As with pip, what the file says counts more.
        if self.options["index-url"] and not _OWN_INDEX.search(requirements):
            own["UV_DEFAULT_INDEX"] = self.options["index-url"]
        given = {name: environ[name] for name in _PASSED_ON if environ.get(name)}
        return own | given | {n: v for n, v in environ.items() if n.startswith("UV_")}

    @property
    def network(self) -> Network:
        """The proxy and the certificates to use."""
        network = Network.of(self.environ)
        return replace(network, ca_file=network.ca_file or self.options["cert"] or None)

    def credentials(self, requirements: str) -> dict[str, tuple[str, str]]:
        """User and password by host, as .netrc and the URLs of indexes have them."""
        urls = _URL.findall(" ".join([requirements, *self.options.values(), *self._of_uv()]))
        return _from_netrc(self.environ) | _in_urls(urls)

    def _of_uv(self) -> Iterable[str]:
        return (v for n, v in self.environ.items() if n.startswith("UV_") and "INDEX" in n)


def _in_urls(urls: Iterable[str]) -> dict[str, tuple[str, str]]:
    split = [urlsplit(url) for url in urls]
    return {
        url.netloc.rpartition("@")[2]: (unquote(url.username or ""), unquote(url.password or ""))
        for url in split
        if "@" in url.netloc
    }


def _from_netrc(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    file = environ.get("NETRC") or str(Path(environ.get("HOME") or "/", ".netrc"))
    try:
        hosts = netrc.netrc(file).hosts
    except (OSError, netrc.NetrcParseError):
        return {}
    return {host: (login, password or "") for host, (login, _, password) in hosts.items()}


def _configured(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's own files, the strongest last; as with pip, os.devnull stands for none."""
    home = environ.get("HOME") or "/"
    user = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    files = ["/etc/pip.conf", f"{home}/.pip/pip.conf", f"{user}/pip/pip.conf"]
    own = environ.get("PIP_CONFIG_FILE") or ""
    found: dict[str, str] = {}
    for file in [] if own == os.devnull else [*files, own]:
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(file, encoding="utf-8")
        except (Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= dict(parser.items(section))
    return found
