"""How a build reaches the package index from this machine.

On Heroku the index is simply there. A developer's machine may need a mirror, a proxy or its own
certificates, which pip and uv take from these variables. They are the only ones of the
developer's environment that a build sees.
"""

from __future__ import annotations

from collections.abc import Mapping

INDEX_VARIABLES = (
    "PIP_CERT",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
)
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
LOOPBACK = "127.0.0.1,localhost"


def index_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environ` that a build needs to reach the package index."""
    settings = {name: environ[name] for name in INDEX_VARIABLES if environ.get(name)}
    return settings | _proxy_settings(environ)


def _proxy_settings(environ: Mapping[str, str]) -> dict[str, str]:
    proxies = {name: environ[name] for name in PROXY_VARIABLES if environ.get(name)}
    if not proxies:
        return {}
    # No proxy would find the servers on this machine, such as those of the tests.
    exceptions = environ.get("NO_PROXY") or environ.get("no_proxy")
    no_proxy = f"{exceptions},{LOOPBACK}" if exceptions else LOOPBACK
    return proxies | {"NO_PROXY": no_proxy, "no_proxy": no_proxy}
