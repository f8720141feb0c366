"""bin/compile finds the app's Python and hands over to the Python package.

What the package does then is tested elsewhere. Most builds here run a stand-in for Python,
a shell script that notes how it was started; some run the real one.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from slugfit import VERSION
from slugfit.commands.compile import FAILED
from slugfit.local.python_discovery import (
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.python_runtime import prepare
from slugfit.local.servers import free_port
from support.paths import PYTHONS, REPOSITORY
from support.snapshot import Entry, snapshot

LIBRARY = REPOSITORY / "lib"
LOCK = LIBRARY / "requirements" / "base.txt"
PROJECT = "https://github.com/slugfit/slugfit"
ERRORS = f"{PROJECT}/blob/main/docs/errors.md"
INSTALLING = "-----> Installing Slugfit's own dependencies into the build cache\n"
HOSTILE = {
    "PYTHONPATH": "/invalid",
    "PYTHONHOME": "/invalid",
    "PYTHONSTARTUP": "/invalid",
    "PYTHONWARNINGS": "error",
    "PIP_TARGET": "/invalid",
    "PIP_PREFIX": "/invalid",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_NO_INDEX": "1",
    "PIP_CONFIG_FILE": "/invalid",
    "VIRTUAL_ENV": "/invalid",
}

# Notes how it was started, and ends with the status in the file `status`. Its notes are not in
# HOME, which a build can move.
STAND_IN_PYTHON = r"""#!/bin/sh
root="${0%/build dir/*}"
NOTES="${root%/home dir/*}/home dir"
echo "${0}" >"${NOTES}/ran-as"
env >"${NOTES}/environment"
printf '%s\n' "$@"
exit "$(cat "${NOTES}/status" 2>/dev/null || echo 0)"
"""


class Site:
    """The directories of a build, each with a blank in its name."""

    def __init__(self, root: Path) -> None:
        self.buildpack = REPOSITORY
        self.app = root / "build dir"
        self.cache = root / "cache dir"
        self.env = root / "env dir"
        self.home = root / "home dir"
        for directory in (self.app, self.env, self.home):
            directory.mkdir()

    @property
    def python(self) -> Path:
        """Where heroku/python puts the interpreter."""
        return self.app / ".heroku" / "python" / "bin" / "python"

    @property
    def helper(self) -> Path:
        """Where Slugfit's own dependencies are kept."""
        return self.cache / "slugfit" / "helper"

    def put_python(self, script: str) -> None:
        """Make `script` the app's Python."""
        self.python.parent.mkdir(parents=True)
        self.python.write_text(script)
        self.python.chmod(0o755)

    def link_python(self, tree: Path) -> None:
        """Make a real Python the app's."""
        (self.app / ".heroku").mkdir()
        (self.app / ".heroku" / "python").symlink_to(tree)

    def end_python_with(self, status: int) -> None:
        """Tell the stand-in how to end."""
        (self.home / "status").write_text(str(status))

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        """What Heroku sets, and `extra`."""
        own = {"HOME": str(self.home), "PATH": os.environ["PATH"], "STACK": "heroku-24"}
        return own | extra

    def command(self, script: str) -> list[Path]:
        """One of bin/, with its arguments."""
        return [self.buildpack / "bin" / script, self.app, self.cache, self.env]

    def compile(self, script: str = "compile", **extra: str) -> subprocess.CompletedProcess[str]:
        """Run bin/compile to its end."""
        return subprocess.run(
            self.command(script),
            env=self.environment(extra),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def report(self) -> object:
        """What bin/report prints."""
        finished = subprocess.run(
            self.command("report"),
            env=self.environment({}),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(finished.stdout)

    def cached(self) -> dict[str, Entry]:
        """What is in the cache, but for the record of the build."""
        entries = snapshot(self.cache) if self.cache.exists() else {}
        return {name: e for name, e in entries.items() if name != "slugfit/record.json"}

    def fill_cache(self) -> None:
        """Put into the cache what earlier builds leave there."""
        for name in ("slugfit/models/content", "slugfit/helper/old-key/requests.py", "python.json"):
            (self.cache / name).parent.mkdir(parents=True, exist_ok=True)
            (self.cache / name).write_text(name)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def stand_in(site: Site) -> Site:
    """A site whose Python is the stand-in."""
    site.put_python(STAND_IN_PYTHON)
    return site


@pytest.fixture(scope="session")
def runtime() -> Path:
    """A real, relocatable Python, of the version that runs the tests."""
    return prepare(running_interpreter(), PYTHONS).path


def red(*lines: str) -> str:
    """`lines` as an error in the log."""
    shown = [f"\033[1;31m !{'     ' if line else ''}{line}\033[0m\n" for line in lines]
    return "\n" + "".join(shown) + "\n"


def internal(place: str) -> str:
    """The error that the ERR trap shows."""
    return red(
        "Internal error: The build script stopped unexpectedly.",
        "",
        place,
        "",
        "This is a bug in Slugfit. To get it fixed:",
        f"1. Report it with the lines above: {PROJECT}/issues",
        "",
        "For more information, see:",
        f"{ERRORS}#internalunexpected",
    )


def not_installed(*said: str) -> str:
    """The error about dependencies, with what pip said."""
    return red(
        "Error: Slugfit's own dependencies could not be installed.",
        "",
        *(said or ["pip printed no message."]),
        "",
        "This is often temporary. Build again; if it persists, check:",
        "1. the status of the Python Package Index: https://status.python.org",
        "",
        "For more information, see:",
        f"{ERRORS}#bootdependencies-not-installed",
    )


UNSUPPORTED = red(
    "Error: The app's Python is older than 3.10, or does not start.",
    "",
    ".heroku/python/bin/python",
    "",
    "Slugfit runs under the app's own Python, and needs 3.10 or later.",
    "",
    "To fix this:",
    "1. Ask for a supported version, and commit the file:",
    "   echo 3.14 >.python-version",
    "",
    "For more information, see:",
    f"{ERRORS}#bootpython-unsupported",
)
NOT_INSTALLED = {
    "slugfit_version": VERSION,
    "failure_reason": "boot::dependencies-not-installed",
    "failure_detail": "Slugfit's own dependencies could not be installed.",
}
INTERNAL = {
    "failure_reason": "internal::unexpected",
    "failure_detail": "The build script stopped unexpectedly.",
}


# --- which Python ---------------------------------------------------------------------------


def test_an_app_without_python_is_told_to_put_heroku_python_first(site: Site) -> None:
    finished = site.compile()
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == red(
        "Error: The app has no Python.",
        "",
        ".heroku/python/bin/python",
        "",
        "Slugfit works on what heroku/python has installed, and runs after it.",
        "",
        "To fix this:",
        "1. Put heroku/python before Slugfit:",
        "   heroku buildpacks:add --index 1 heroku/python",
        "2. If app.json lists buildpacks, list heroku/python there first.",
        "",
        "For more information, see:",
        f"{ERRORS}#bootpython-missing",
    )
    assert site.report() == {
        "failure_reason": "boot::python-missing",
        "failure_detail": "The app has no .heroku/python/bin/python.",
    }


def test_a_python_that_may_not_run_is_none(site: Site) -> None:
    site.put_python(STAND_IN_PYTHON)
    site.python.chmod(0o644)
    finished = site.compile()
    assert finished.returncode == 1
    assert "Error: The app has no Python." in finished.stderr


@pytest.mark.parametrize("status", [1, 2, 126, 127])
def test_a_python_that_is_too_old_or_does_not_start_is_refused(stand_in: Site, status: int) -> None:
    stand_in.end_python_with(status)
    finished = stand_in.compile()
    assert (finished.returncode, finished.stderr) == (1, UNSUPPORTED)
    assert stand_in.report() == {
        "failure_reason": "boot::python-unsupported",
        "failure_detail": "The Python of the app is older than 3.10, or does not start.",
    }


@pytest.mark.parametrize("series", ["3.6", "3.7", "3.8", "3.9"])
def test_an_old_python_says_so_itself(site: Site, series: str) -> None:
    try:
        old = find_interpreter(series, os.environ)
    except PythonNotFoundError as absent:
        pytest.skip(str(absent))
    site.link_python(old.prefix)
    finished = site.compile()
    assert (finished.returncode, finished.stdout, finished.stderr) == (1, "", UNSUPPORTED)


def test_a_python_on_path_is_not_the_apps(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("python", "python3"):
        (other / name).write_text(f"#!/bin/sh\ntouch '{other}/ran'\n")
        (other / name).chmod(0o755)
    finished = site.compile(PATH=f"{other}:{os.environ['PATH']}")
    assert "Error: The app has no Python." in finished.stderr
    assert not (other / "ran").exists()


def test_python_runs_by_the_path_that_the_build_gives(stand_in: Site) -> None:
    assert stand_in.compile().returncode == 0
    assert (stand_in.home / "ran-as").read_text() == f"{stand_in.python}\n"


def test_python_runs_by_the_path_that_the_dyno_will_have_where_it_exists(stand_in: Site) -> None:
    (stand_in.home / ".heroku").mkdir()
    at_home = stand_in.home / ".heroku" / "python"
    at_home.symlink_to(stand_in.app / ".heroku" / "python")
    assert stand_in.compile().returncode == 0
    assert (stand_in.home / "ran-as").read_text() == f"{at_home}/bin/python\n"


def test_a_python_at_home_that_is_another_one_is_not_the_apps(stand_in: Site) -> None:
    another = stand_in.home / ".heroku" / "python" / "bin" / "python"
    another.parent.mkdir(parents=True)
    another.write_text("#!/bin/sh\nexit 1\n")
    another.chmod(0o755)
    assert stand_in.compile().returncode == 0
    assert (stand_in.home / "ran-as").read_text() == f"{stand_in.python}\n"


def test_python_knows_of_the_environment_only_what_it_needs(stand_in: Site) -> None:
    secrets = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "DATABASE_URL": "postgres://u:p@h/d"}
    network = {"HTTPS_PROXY": "http://proxy:3128", "PIP_INDEX_URL": "https://index.example"}
    stand_in.compile(**HOSTILE, **secrets, **network, LD_LIBRARY_PATH="/usr/lib/own")
    lines = (stand_in.home / "environment").read_text().splitlines()
    known = dict(line.split("=", maxsplit=1) for line in lines)
    # These are the shell's own.
    for name in ("PWD", "OLDPWD", "SHLVL", "_"):
        known.pop(name, None)
    assert known == {
        "HOME": str(stand_in.home),
        "PATH": os.environ["PATH"],
        "STACK": "heroku-24",
        "LANG": "C.UTF-8",
        "LD_LIBRARY_PATH": f"{stand_in.app}/.heroku/python/lib:/usr/lib/own",
        **network,
    }


# --- handing over ---------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "mode"), [("compile", "build"), ("test-compile", "ci")])
def test_the_helper_gets_the_paths_of_the_build(stand_in: Site, script: str, mode: str) -> None:
    finished = stand_in.compile(script)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.splitlines() == [
        *("-I", "-S", "-B", "-X", "utf8", f"{LIBRARY}/slugfit/__main__.py"),
        *("compile", mode, f"{stand_in.app}", f"{stand_in.cache}", f"{stand_in.env}"),
    ]


@pytest.mark.parametrize(("status", "code"), [(0, 0), (FAILED, 1), (143, 143)])
def test_what_the_helper_has_told_is_not_told_again(stand_in: Site, status: int, code: int) -> None:
    stand_in.end_python_with(status)
    finished = stand_in.compile()
    assert (finished.returncode, finished.stderr) == (code, "")


@pytest.mark.parametrize(
    ("status", "place"),
    [(4, "The helper ended with status 4."), (137, "The helper was killed: out of memory?")],
)
def test_a_helper_that_ends_in_no_way_of_its_own_is_a_bug(
    stand_in: Site, status: int, place: str
) -> None:
    stand_in.end_python_with(status)
    finished = stand_in.compile()
    assert (finished.returncode, finished.stderr) == (1, internal(place))
    assert stand_in.report() == INTERNAL


def test_the_record_of_the_last_build_does_not_pass_for_the_one_of_this(stand_in: Site) -> None:
    record = stand_in.cache / "slugfit" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"models": 1}\n')
    stand_in.end_python_with(FAILED)
    stand_in.compile()
    assert stand_in.report() == {}


def test_a_command_that_fails_unexpectedly_is_an_internal_error(stand_in: Site) -> None:
    (stand_in.cache / "slugfit" / "record.json").mkdir(parents=True)
    finished = stand_in.compile()
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.count("Internal error: The build script stopped unexpectedly.") == 1
    assert re.search(r"failure\.sh:\d+: rm -f ", finished.stderr)


# --- with a real Python ---------------------------------------------------------------------


def test_an_index_that_can_not_be_reached_is_told_without_its_secrets(
    site: Site, runtime: Path
) -> None:
    site.fill_cache()
    before = site.cached()
    site.link_python(runtime)
    index = f"http://me:wJalrXUtnFEMI@127.0.0.1:{free_port()}/simple?key=hunter22"
    finished = site.compile(**HOSTILE, PIP_INDEX_URL=index)
    assert (finished.returncode, finished.stdout) == (1, INSTALLING)
    # What stands between is pip's: it changes from version to version, and names objects.
    before_pip, after_pip = not_installed("\0").split("\033[1;31m !     \0\033[0m\n")
    assert finished.stderr.startswith(before_pip)
    assert finished.stderr.endswith(after_pip)
    said = finished.stderr.removeprefix(before_pip).removesuffix(after_pip)
    assert "Connection refused" in said
    assert re.search(r"ERROR: No matching distribution found for \w+==", said)
    assert len(said.splitlines()) == 5
    assert "wJalrXUtnFEMI" not in finished.stdout + finished.stderr
    assert "hunter22" not in finished.stdout + finished.stderr
    assert site.report() == NOT_INSTALLED
    assert site.cached() == before


def test_the_configuration_of_the_apps_own_pip_is_not_ours(site: Site, runtime: Path) -> None:
    # On Heroku CI the app's directory is HOME, where pip looks for its configuration.
    site.home = site.app
    site.link_python(runtime)
    configuration = site.app / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[global]\nrequire-virtualenv = true\n")
    finished = site.compile("test-compile", PIP_INDEX_URL=f"file://{site.app}/no-index")
    assert "ERROR: No matching distribution found for " in finished.stderr


def test_an_interrupted_installation_leaves_nothing_behind(site: Site, runtime: Path) -> None:
    site.fill_cache()
    before = site.cached()
    site.link_python(runtime)
    with socket.create_server(("127.0.0.1", 0)) as index:
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        with subprocess.Popen(
            site.command("compile"),
            env=site.environment({"PIP_INDEX_URL": url}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            index.settimeout(20)
            with index.accept()[0]:  # and never an answer
                # A build that takes too long is ended with all its processes.
                os.killpg(process.pid, signal.SIGTERM)
                assert process.wait(timeout=20) == 143
    assert site.cached() == before


def test_a_file_where_our_directory_should_be_is_an_internal_error(
    site: Site, runtime: Path
) -> None:
    site.link_python(runtime)
    site.helper.parent.mkdir(parents=True)
    site.helper.write_text("not a directory")
    before = site.cached()
    finished = site.compile()
    assert (finished.returncode, finished.stdout) == (1, INSTALLING)
    assert "Internal error: The build stopped unexpectedly." in finished.stderr
    assert f"File exists: '{site.helper}'" in finished.stderr
    assert isinstance(record := site.report(), dict)
    assert record["failure_reason"] == "internal::unexpected"
    assert site.cached() == before


def test_a_cache_that_can_not_be_written_ends_the_build_with_the_error_and_without_a_record(
    site: Site, runtime: Path
) -> None:
    site.link_python(runtime)
    site.cache.write_text("not a directory")
    finished = site.compile()
    assert finished.returncode == 1
    assert finished.stderr.count("error: ") == 1
    assert "Internal error: The build stopped unexpectedly." in finished.stderr
    assert site.cache.read_text() == "not a directory"
    assert site.report() == {}


@pytest.fixture
def booted(site: Site, runtime: Path) -> Site:
    """A site with a real Python, and in its cache the dependencies that the tests run on."""
    site.link_python(runtime)
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    key = f"base-{lock}-{sys.implementation.cache_tag}-{platform.machine()}"
    site.helper.mkdir(parents=True)
    (site.helper / key).symlink_to(sysconfig.get_path("purelib"))
    return site


def test_the_package_takes_over_in_a_hostile_environment_and_without_the_network(
    booted: Site,
) -> None:
    (booted.app / "slugfit.toml").write_text("[budget\n")
    index = f"http://127.0.0.1:{free_port()}/simple"
    finished = booted.compile(**HOSTILE, PIP_INDEX_URL=index)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "Error: slugfit.toml is not valid TOML." in finished.stderr
    assert booted.report() == {
        "slugfit_version": VERSION,
        "failure_reason": "settings::malformed-toml",
        "failure_detail": "slugfit.toml is not valid TOML: slugfit.toml",
    }


def test_the_helper_writes_nothing_beside_its_sources(booted: Site, tmp_path: Path) -> None:
    # A copy: other tests import the sources at the same time, and write bytecode.
    booted.buildpack = tmp_path / "buildpack"
    for directory in ("bin", "lib"):
        shutil.copytree(
            REPOSITORY / directory,
            booted.buildpack / directory,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    before = snapshot(booted.buildpack)
    (booted.app / "slugfit.toml").write_text("[budget\n")
    assert "Error: slugfit.toml is not valid TOML." in booted.compile().stderr
    assert snapshot(booted.buildpack) == before


def test_no_secret_of_the_config_vars_is_shown(booted: Site) -> None:
    (booted.env / "AWS_SECRET_ACCESS_KEY").write_text("wJalrXUtnFEMI")
    (booted.env / "SLUGFIT_MODELS").write_text(
        "ftp://me:hunter22@host/p?X-Amz-Signature=0123456789abcdef -> wJalrXUtnFEMI/../m"
    )
    finished = booted.compile()
    assert "Error: The configuration has 3 problems." in finished.stderr
    told = finished.stdout + finished.stderr + json.dumps(booted.report())
    for secret in ("wJalrXUtnFEMI", "hunter22", "0123456789abcdef"):
        assert secret not in told
