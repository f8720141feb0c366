"""bin/compile finds the app's Python, boots the helper's dependencies and hands over.

What the Python package does then is tested elsewhere. Most builds here run a stand-in for
Python, a shell script that answers what lib/boot.sh asks; some run the real one.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from support.paths import REPOSITORY, SHARED_CACHE
from support.processes import free_port
from support.python_runtime import prepare
from support.snapshot import Entry, snapshot

LIBRARY = REPOSITORY / "lib"
LOCK = LIBRARY / "requirements" / "helper.txt"
README = "https://github.com/slugfit/slugfit"
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

# Answers each question of lib/boot.sh, and notes what it was asked. `outcomes` overrides how a
# question ends: "<question> <exit code>" a line. Its notes are not in HOME, which pip is not told.
STAND_IN_PYTHON = r"""#!/bin/sh
root="${0%/build dir/*}"
NOTES="${root%/home dir/*}/home dir"
end() {
	code="$(sed -n "s/^${1} //p" "${NOTES}/outcomes" 2>/dev/null)"
	exit "${code:-0}"
}
echo "${0}" >>"${NOTES}/ran-as"
env >"${NOTES}/environment"
case "$*" in
*version_info*) end version ;;
*cache_tag*) echo "$(cat "${NOTES}/key" 2>/dev/null || echo key-1)"; end key ;;
*/pip\ install*)
	echo install >>"${NOTES}/asked"
	for service in s3 sts sso sso-oidc ec2 lambda; do
		mkdir -p "${9}/botocore/data/${service}" "${9}/boto3/data/${service}"
	done
	touch "${9}/botocore/data/endpoints.json"
	mkdir "${9}/bin"
	[ -f "${NOTES}/wait" ] && touch "${NOTES}/waiting" && sleep 60
	cat "${NOTES}/pip-says" 2>/dev/null
	end install ;;
*compileall*) echo compile >>"${NOTES}/asked"; end compile ;;
*run_module*)
	echo run >>"${NOTES}/asked"
	shift 7
	echo "lib: ${1}"
	echo "dependencies: ${2}"
	shift 2
	echo "arguments: $*"
	end run ;;
esac
exit 99
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

    def tell(self, name: str, text: str) -> None:
        """Tell the stand-in something."""
        (self.home / name).write_text(text)

    def asked(self) -> list[str]:
        """What the stand-in was asked to do."""
        file = self.home / "asked"
        return file.read_text().split() if file.exists() else []

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
    return prepare(None, SHARED_CACHE / "pythons").path


def red(*lines: str) -> str:
    """`lines` as an error in the log."""
    shown = [f"\033[1;31m !{'     ' if line else ''}{line}\033[0m\n" for line in lines]
    return "\n" + "".join(shown) + "\n"


def place_in_boot(command: str) -> str:
    """The place that the ERR trap names for a command of lib/boot.sh."""
    lines = (LIBRARY / "boot.sh").read_text().splitlines()
    [number] = [n for n, line in enumerate(lines, start=1) if line.strip() == command]
    return f"boot.sh:{number}: {command}"


def internal(place: str) -> str:
    """The error that the ERR trap shows."""
    return red(
        "Internal error: The build script stopped unexpectedly.",
        "",
        place,
        "",
        "This is a bug in Slugfit. To get it fixed:",
        f"1. Report it with the lines above: {README}/issues",
        "",
        "For more information, see:",
        f"{README}#internalunexpected",
    )


def not_installed(*said: str) -> str:
    """The error about dependencies, with what pip said."""
    return red(
        "Error: Slugfit's own dependencies could not be installed.",
        "",
        *(said or ["pip said nothing."]),
        "",
        "This is often temporary. Build again; if it persists, check:",
        "1. the status of the Python Package Index: https://status.python.org",
        "",
        "For more information, see:",
        f"{README}#bootdependencies-not-installed",
    )


NOT_INSTALLED = {
    "failure_reason": "boot::dependencies-not-installed",
    "failure_detail": "The dependencies of Slugfit itself could not be installed.",
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
        f"{README}#bootpython-missing",
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


@pytest.mark.parametrize("code", [1, 127])
def test_a_python_that_is_too_old_or_does_not_start_is_refused(site: Site, code: int) -> None:
    site.put_python(f"#!/bin/sh\nexit {code}\n")
    finished = site.compile()
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == red(
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
        f"{README}#bootpython-unsupported",
    )
    assert site.report() == {
        "failure_reason": "boot::python-unsupported",
        "failure_detail": "The Python of the app is older than 3.10, or does not start.",
    }


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
    assert set((stand_in.home / "ran-as").read_text().splitlines()) == {str(stand_in.python)}


def test_python_runs_by_the_path_that_the_dyno_will_have_where_it_exists(stand_in: Site) -> None:
    (stand_in.home / ".heroku").mkdir()
    at_home = stand_in.home / ".heroku" / "python"
    at_home.symlink_to(stand_in.app / ".heroku" / "python")
    assert stand_in.compile().returncode == 0
    assert set((stand_in.home / "ran-as").read_text().splitlines()) == {f"{at_home}/bin/python"}


def test_a_python_at_home_that_is_another_one_is_not_the_apps(stand_in: Site) -> None:
    another = stand_in.home / ".heroku" / "python" / "bin" / "python"
    another.parent.mkdir(parents=True)
    another.write_text("#!/bin/sh\nexit 1\n")
    another.chmod(0o755)
    assert stand_in.compile().returncode == 0
    assert set((stand_in.home / "ran-as").read_text().splitlines()) == {str(stand_in.python)}


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


# --- dependencies ---------------------------------------------------------------------------


def test_the_first_build_installs_the_dependencies_and_keeps_them(stand_in: Site) -> None:
    finished = stand_in.compile()
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith(INSTALLING)
    assert stand_in.asked() == ["install", "compile", "run"]
    assert os.listdir(stand_in.helper) == ["key-1"]


def test_the_second_build_uses_them_without_pip(stand_in: Site) -> None:
    stand_in.compile()
    (stand_in.home / "asked").unlink()
    before = stand_in.cached()
    finished = stand_in.compile()
    assert (finished.returncode, finished.stderr) == (0, "")
    assert INSTALLING not in finished.stdout
    assert stand_in.asked() == ["run"]
    assert stand_in.cached() == before


def test_dependencies_for_another_python_or_lock_replace_the_old_ones(stand_in: Site) -> None:
    stand_in.compile()
    stand_in.tell("key", "key-2")
    assert stand_in.compile().stdout.startswith(INSTALLING)
    assert os.listdir(stand_in.helper) == ["key-2"]


def test_of_aws_only_what_reads_models_is_kept(stand_in: Site) -> None:
    stand_in.compile()
    kept = stand_in.helper / "key-1"
    wanted = ["s3", "sso", "sso-oidc", "sts"]
    assert sorted(os.listdir(kept)) == ["boto3", "botocore"]
    assert sorted(os.listdir(kept / "boto3" / "data")) == wanted
    assert sorted(os.listdir(kept / "botocore" / "data")) == ["endpoints.json", *wanted]


@pytest.mark.parametrize("cache", ["none", "of earlier builds"])
@pytest.mark.parametrize("step", ["install", "compile", "run"])
def test_a_failed_build_leaves_the_cache_as_it_was(stand_in: Site, cache: str, step: str) -> None:
    if cache == "of earlier builds":
        stand_in.fill_cache()
    before = stand_in.cached()
    stand_in.tell("outcomes", f"{step} 1\n")
    assert stand_in.compile().returncode == 1
    assert {name: e for name, e in stand_in.cached().items() if name != "slugfit"} == {
        name: e for name, e in before.items() if name != "slugfit"
    }


def test_a_failed_installation_shows_the_end_of_what_pip_said(stand_in: Site) -> None:
    stand_in.tell("outcomes", "install 2\n")
    stand_in.tell("pip-says", "one\ntwo\nthree\n\n  five: 'quoted' \"$HOME\" \\n\nsix\n")
    finished = stand_in.compile()
    assert (finished.returncode, finished.stdout) == (1, INSTALLING)
    assert finished.stderr == not_installed(
        "two", "three", "", "  five: 'quoted' \"$HOME\" \\n", "six"
    )
    assert stand_in.report() == NOT_INSTALLED


def test_pip_that_dies_without_a_word_leaves_no_hole_in_the_message(stand_in: Site) -> None:
    stand_in.tell("outcomes", "install 137\n")
    assert stand_in.compile().stderr == not_installed()


def test_an_interrupted_installation_leaves_nothing_behind(stand_in: Site) -> None:
    stand_in.fill_cache()
    before = stand_in.cached()
    stand_in.tell("wait", "")
    with subprocess.Popen(
        stand_in.command("compile"),
        env=stand_in.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 20
        while not (stand_in.home / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        # A build that takes too long is ended with all its processes.
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 143
    assert stand_in.cached() == before


# --- handing over ---------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "mode"), [("compile", "build"), ("test-compile", "ci")])
def test_the_helper_gets_its_own_paths_and_those_of_the_build(
    stand_in: Site, script: str, mode: str
) -> None:
    stand_in.compile()
    finished = stand_in.compile(script)
    assert finished.stdout == (
        f"lib: {LIBRARY}\n"
        f"dependencies: {stand_in.helper / 'key-1'}\n"
        f"arguments: {mode} {stand_in.app} {stand_in.cache} {stand_in.env}\n"
    )


@pytest.mark.parametrize("code", [1, 143])
def test_the_exit_code_of_the_helper_is_the_one_of_the_build(stand_in: Site, code: int) -> None:
    stand_in.tell("outcomes", f"run {code}\n")
    finished = stand_in.compile()
    assert finished.returncode == code
    # The helper has told its failure itself.
    assert finished.stderr == ""


@pytest.mark.parametrize(
    ("code", "place"),
    [(3, "The helper ended with status 3."), (137, "The helper was killed: out of memory?")],
)
def test_a_helper_that_ends_in_no_way_of_its_own_is_a_bug(
    stand_in: Site, code: int, place: str
) -> None:
    stand_in.tell("outcomes", f"run {code}\n")
    finished = stand_in.compile()
    assert (finished.returncode, finished.stderr) == (1, internal(place))
    assert stand_in.report() == INTERNAL


def test_the_record_of_the_last_build_does_not_pass_for_the_one_of_this(stand_in: Site) -> None:
    record = stand_in.cache / "slugfit" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"models": 1}\n')
    stand_in.tell("outcomes", "run 1\n")
    stand_in.compile()
    assert stand_in.report() == {}


# --- internal errors ------------------------------------------------------------------------


def test_a_command_that_fails_unexpectedly_is_an_internal_error(stand_in: Site) -> None:
    stand_in.tell("outcomes", "compile 5\n")
    finished = stand_in.compile()
    assert (finished.returncode, finished.stdout) == (1, INSTALLING)
    assert finished.stderr.count("Internal error: The build script stopped unexpectedly.") == 1
    assert re.search(r"boot\.sh:\d+: ", finished.stderr)
    assert stand_in.report() == INTERNAL


def test_a_command_that_fails_for_an_answer_is_told_once(stand_in: Site) -> None:
    stand_in.tell("outcomes", "key 5\n")
    finished = stand_in.compile()
    assert finished.returncode == 1
    assert finished.stderr.count("Internal error: The build script stopped unexpectedly.") == 1
    assert stand_in.report() == INTERNAL


def test_a_file_where_our_directory_should_be_is_an_internal_error(stand_in: Site) -> None:
    stand_in.helper.parent.mkdir(parents=True)
    stand_in.helper.write_text("not a directory")
    before = stand_in.cached()
    finished = stand_in.compile()
    assert (finished.returncode, finished.stdout) == (1, INSTALLING)
    said, _, message = finished.stderr.partition("\n")
    assert said == f"mkdir: cannot create directory '{stand_in.helper}': File exists"
    assert message == internal(place_in_boot('mkdir -p "${HELPER_DIR}"'))
    assert stand_in.report() == INTERNAL
    assert stand_in.cached() == before


def test_a_cache_that_can_not_be_written_ends_the_build_with_the_error_and_without_a_record(
    stand_in: Site,
) -> None:
    stand_in.cache.write_text("not a directory")
    finished = stand_in.compile()
    assert finished.returncode == 1
    assert internal(place_in_boot('mkdir -p "${HELPER_DIR}"')) in finished.stderr
    assert stand_in.cache.read_text() == "not a directory"
    assert stand_in.report() == {}


# --- with a real Python ---------------------------------------------------------------------


def test_an_index_that_can_not_be_reached_is_told_without_its_password(
    site: Site, runtime: Path
) -> None:
    site.fill_cache()
    before = site.cached()
    site.link_python(runtime)
    index = f"http://me:wJalrXUtnFEMI@127.0.0.1:{free_port()}/simple"
    finished = site.compile(**HOSTILE, PIP_INDEX_URL=index)
    assert (finished.returncode, finished.stdout) == (1, INSTALLING)
    # What stands between is pip's: it changes from version to version, and names objects.
    before_pip, after_pip = not_installed("\0").split("\033[1;31m !     \0\033[0m\n")
    assert finished.stderr.startswith(before_pip)
    assert finished.stderr.endswith(after_pip)
    said = finished.stderr.removeprefix(before_pip).removesuffix(after_pip)
    assert "Connection refused" in said
    assert "ERROR: No matching distribution found for boto3==" in said
    assert len(said.splitlines()) == 5
    assert "wJalrXUtnFEMI" not in finished.stdout + finished.stderr
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
    assert "ERROR: No matching distribution found for boto3==" in finished.stderr


@pytest.fixture
def booted(site: Site, runtime: Path) -> Site:
    """A site with a real Python, and in its cache the dependencies that the tests run on."""
    site.link_python(runtime)
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    key = f"{lock}-{sys.implementation.cache_tag}-{platform.machine()}"
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
        "slugfit_version": "0.1.0",
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
