"""What Heroku is: every fact of the platform that Slugfit relies on, once.

Sources: Dev Center (limits, dyno types, stacks, slug compiler) and heroku/python v351, August 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

from slugfit.base.sizes import MB

# Of the compressed slug, since March 2026. Whether Heroku's "1000M" counts in 10^6 or 2^20 bytes is
# not documented: the stricter one never surprises.
SLUG_LIMIT = 1000 * MB
SLUG_SOFT_LIMIT = 300 * MB

BUILD_MINUTES = 25
NO_TIME_LEFT = f"Heroku ends a build after {BUILD_MINUTES} minutes, without giving the reason."
BUILD_MEMORY = 2500 * MB  # about, and not documented
BOOT_SECONDS = 60.0  # for a web process to bind its port; Heroku's support can raise it

DYNO_MEMORY: Mapping[str, int] = {
    "Eco, Basic, Standard-1X": 512 * MB,
    "Standard-2X": 1_000 * MB,
    "Performance-M": 2_500 * MB,
    "Performance-L": 14_000 * MB,
    "Performance-L-RAM": 30_000 * MB,
    "Performance-XL": 62_000 * MB,
    "Performance-2XL": 126_000 * MB,
}

# The minor version of each stack's glibc 2, which is that of its Ubuntu.
GLIBC: Mapping[str, int] = {"heroku-22": 35, "heroku-24": 39, "heroku-26": 43}
DEFAULT_STACK = "heroku-24"

# The minor versions of Python 3 that heroku/python installs.
PYTHONS = range(10, 15)
DEFAULT_PYTHON = 14

# Paths of the slug are relative to this directory of a dyno.
APP_HOME = "/app"
PYTHON_HOME = ".heroku/python"
BUILDPACK_DIRECTORIES = (".heroku/", ".profile.d/", ".apt/")


def site_packages(version: str = "3.*") -> str:
    """Relative to the app's directory, for a Python "3.12"; without one, a glob for any."""
    return f"{PYTHON_HOME}/lib/python{version}/site-packages"
