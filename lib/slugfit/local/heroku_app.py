"""The local Heroku: builds an app, packs its slug and runs its dynos, in Hatchet's words.

    with App(source, pythons=…, wheels=…, environ=…, config={"AWS_REGION": "eu-west-1"}) as app:
        app.deploy()
        assert "-----> Python app detected" in app.output
        assert app.get("/").status == 200

Everything happens below one temporary directory. It plays the machine that builds (`root/app` is
its `/app`, `root/tmp` its `/tmp`) and, after that, each dyno. As there is one such directory, one
dyno runs at a time: a build or a one-off dyno stops the web dyno, the next request boots it again.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from slugfit.app.python_version import PythonVersion
from slugfit.base.heroku import APP_HOME, DEFAULT_STACK
from slugfit.base.trees import remove_tree
from slugfit.local.build_run import Build, BuildFailed, BuildStoppedError
from slugfit.local.buildpack import SLUGFIT, Buildpack, Host, as_buildpack
from slugfit.local.ci import CiRun
from slugfit.local.client import Response
from slugfit.local.dyno import RunResult, WebDyno
from slugfit.local.dynos import Dynos
from slugfit.local.environment import Config
from slugfit.local.machine import BuildMachine, BuildOptions, start_build
from slugfit.local.release import Release, SlugLimits, release
from slugfit.local.roots import Root, on_another_filesystem
from slugfit.local.slug_archive import SlugArchive
from slugfit.local.stand_in import HEROKU_PYTHON
from slugfit.local.transcript import Transcript

Self = TypeVar("Self", bound="App")

TMP = "/tmp"  # noqa: S108 (as the log on Heroku spells it)


class NotBuiltError(Exception):
    """Asked for what only a build leaves: deploy() comes first."""


class App:
    """An app on the local Heroku."""

    def __init__(  # noqa: PLR0913 (Hatchet's keywords, of which few calls give more than two)
        self,
        source: Path,
        *,
        pythons: Path,
        wheels: Path,
        environ: Mapping[str, str],
        buildpacks: Sequence[Buildpack | Path] = (HEROKU_PYTHON, SLUGFIT),
        config: Config | None = None,
        stack: str = DEFAULT_STACK,
        allow_failure: bool = False,
        in_app_dir: bool = False,
        cache_dir: Path | None = None,
        python: PythonVersion | None = None,
        root: Path | None = None,
        build_env: Mapping[str, str] | None = None,
        buildpacks_read_only: bool = False,
        discard_cache_on_failure: bool = False,
        slug_limits: SlugLimits | None = None,
        echo: TextIO | None = None,
    ) -> None:
        """Copy the app's source; nothing is built yet.

        pythons, wheels: directories that all apps share, for relocatable Pythons and for what pip
            and uv download; made by the builds that need them.
        environ: the user's, which says where Pythons, uv and the package index are.
        in_app_dir: build in `/app` as with the `build-in-app-dir` lab.
        cache_dir: by default in the root; for builds in `/app` on another filesystem.
        python: overrides the version that the app requests; a build raises PythonNotFoundError
            where it is not installed here. Without it, the stand-in takes the requested version
            if it is installed, else the running one.
        root: use this directory, and leave it there when the app is closed.
        build_env: more variables for all scripts of a build.
        discard_cache_on_failure: throw away what a failed build did to the cache, as Heroku does;
            by default it stays, for tests that want to see it untouched.
        echo: a stream that shows the log as it comes.
        """
        self._temporary = [] if root else [Path(tempfile.mkdtemp(prefix="slugfit-"))]
        self._root = Root((root or self._temporary[0]).resolve())
        self._root.path.mkdir(parents=True, exist_ok=True)
        self._in_app_dir = in_app_dir
        self._cache_dir = cache_dir or self._default_cache_dir()
        self._options = BuildOptions(
            source=self._root.source,
            host=Host(pythons, wheels, environ),
            buildpacks=tuple(map(as_buildpack, buildpacks)),
            stack=stack,
            python=python,
            build_env=build_env or {},
            buildpacks_read_only=buildpacks_read_only,
        )
        self._config = dict(config or {})
        self._allow_failure = allow_failure
        self._discard_cache_on_failure = discard_cache_on_failure
        self._limits = slug_limits or SlugLimits()
        self._echo = echo
        self._transcript = Transcript()
        self._build: Build | None = None
        self._release: Release | None = None
        build_only = [self._root.env, self._root.buildpacks, self._cache_dir]
        self._dynos = Dynos(self._root, stack, build_only)
        self.succeeded = False
        shutil.copytree(source, self.source_dir, symlinks=True)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Where things are

    @property
    def root(self) -> Path:
        """The directory below which everything happens."""
        return self._root.path

    @property
    def source_dir(self) -> Path:
        """The working copy of the app's source: edit it, then deploy or push."""
        return self._root.source

    @property
    def build_dir(self) -> Path:
        """The directory of the last build (while a dyno runs: where it is hidden from it)."""
        return self._dynos.find(self._last_build.site.build_dir)

    @property
    def cache_dir(self) -> Path:
        """The build cache (while a dyno runs: where it is hidden from it)."""
        return self._dynos.find(self._cache_dir)

    @property
    def env_dir(self) -> Path:
        """The directory with a file for each config var."""
        return self._dynos.find(self._root.env)

    @property
    def app_dir(self) -> Path:
        """The directory that plays `/app`."""
        return self._root.app

    # Building

    def deploy(self) -> None:
        """Build the app for the first time; raises BuildFailed unless failure is allowed."""
        self.push()

    def push(self) -> None:
        """Build the app in a fresh build directory, on the cache of the builds before."""
        self.stop()
        self._root.renew(self._root.app, self._root.tmp)
        self._transcript = Transcript(self._echo)
        with self._cache_kept_as_on_heroku():
            self.succeeded = self._try_to_build()
        if not self.succeeded and not self._allow_failure:
            raise BuildFailed(self.output)

    def set_config(self, config: Config) -> None:
        """Set config vars besides the present ones; running dynos restart with them."""
        self.stop()
        self._config.update(config)

    def run_ci(self) -> CiRun:
        """Build as Heroku CI does, in the app's directory, and run the app's tests."""
        self.stop()
        root = Root(self.root / "ci")
        root.renew(root.path)
        cache = self._off_root_directory() or root.cache
        return CiRun(self._options, self._config, root, cache, self._allow_failure)

    @property
    def output(self) -> str:
        """The log of the last build, without colours."""
        return self._transcript.plain

    @property
    def raw_output(self) -> str:
        """The log of the last build, with its colours."""
        return self._transcript.raw

    @property
    def transcript(self) -> str:
        """The log of the last build, its paths spelled as they are on Heroku."""
        text = self.output
        for pattern, name in self._names_on_heroku().items():
            text = re.sub(rf"{pattern}\b", name, text)
        return text

    @property
    def reports(self) -> dict[str, dict[str, Any]]:
        """What each buildpack's `bin/report` printed after the last build, by its name."""
        return self._last_build.reports()

    @property
    def slug(self) -> SlugArchive:
        """The slug of the last successful build."""
        return self._current_release.slug

    # Dynos

    def run(self, command: str, *, timeout: float = 300) -> RunResult:
        """Run a command in a one-off dyno."""
        return self._dynos.run(self._current_release, self._config, command, timeout)

    def boot(self) -> WebDyno:
        """Boot a web dyno and wait until it has bound its port."""
        return self._dynos.boot(self._current_release, self._config)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """Send a GET request to the web dyno, booting it if it is not up."""
        return self._web.get(path, headers)

    def post(self, path: str, **options: Any) -> Response:
        """Send a POST request to the web dyno (json=, data=, headers=), booting it if needed."""
        return self._web.post(path, **options)

    def stop(self) -> None:
        """Stop the web dyno, if it is up."""
        self._dynos.stop()

    def close(self) -> None:
        """Stop the dyno and remove everything."""
        self.stop()
        for directory in self._temporary:
            remove_tree(directory)

    # How

    @property
    def _last_build(self) -> Build:
        if self._build is None:
            raise NotBuiltError("not built yet: call deploy()")
        return self._build

    @property
    def _current_release(self) -> Release:
        if self._release is None:
            raise NotBuiltError("no successful build yet")
        return self._release

    @property
    def _web(self) -> WebDyno:
        return self._dynos.web(self._current_release, self._config)

    def _names_on_heroku(self) -> dict[str, str]:
        cache, app, tmp = map(re.escape, map(str, (self._cache_dir, self.app_dir, self._root.tmp)))
        return {
            cache: f"{TMP}/codon/tmp/cache",
            rf"{tmp}/build_[0-9a-f]{{8}}": f"{TMP}/build_<hash>",
            tmp: TMP,
            app: APP_HOME,
        }

    def _try_to_build(self) -> bool:
        root = self._root
        build_dir = root.app if self._in_app_dir else root.tmp / f"build_{secrets.token_hex(4)}"
        home = root.tmp / "build_home" if self._in_app_dir else root.app
        machine = BuildMachine(root, build_dir, self._cache_dir, home)
        try:
            self._build = start_build(self._options, machine, self._config, self._transcript)
            self._build.run()
            self._release = release(self._build, self._limits, root.slug)
        except BuildStoppedError:
            self._transcript.line("\n !     Push failed")
            return False
        return True

    @contextmanager
    def _cache_kept_as_on_heroku(self) -> Iterator[None]:
        if not self._discard_cache_on_failure:
            yield
            return
        before = self.root / "cache.before"
        if self._cache_dir.exists():
            shutil.copytree(self._cache_dir, before, symlinks=True)
        yield
        if not self.succeeded:
            remove_tree(self._cache_dir)
            if before.exists():
                shutil.copytree(before, self._cache_dir, symlinks=True)
        remove_tree(before)

    def _default_cache_dir(self) -> Path:
        elsewhere = self._off_root_directory() if self._in_app_dir else None
        return elsewhere or self._root.cache

    def _off_root_directory(self) -> Path | None:
        directory = on_another_filesystem(self.root)
        if directory is not None:
            self._temporary.append(directory)
        return directory
