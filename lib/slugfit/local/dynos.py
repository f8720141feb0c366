"""The dynos of an app: one at a time, since one directory plays the `/app` of them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from slugfit.local.dyno import DynoCrashed, RunResult, WebDyno, run_in_dyno
from slugfit.local.environment import Config, dyno_environment
from slugfit.local.release import Release
from slugfit.local.roots import Curtain, Root


class Dynos:
    """Starts dynos from a release, each in a fresh home, with nothing of the build in sight."""

    def __init__(self, root: Root, stack: str, build_only: Sequence[Path]) -> None:
        self._root = root
        self._stack = stack
        self._build_only = build_only
        self._curtain = Curtain()
        self._web: WebDyno | None = None

    def run(self, release: Release, config: Config, command: str, timeout: float) -> RunResult:
        """Run a command in a one-off dyno."""
        self.stop()
        with self._home_for_one_command(release):
            env = self._environment("run.1", config)
            return run_in_dyno(self._root.app, command, env, timeout)

    def boot(self, release: Release, config: Config) -> WebDyno:
        """Boot a web dyno and wait until it has bound its port."""
        self.stop()
        command = release.process_types["web"]
        self._unpack(release)
        log = self._root.path / "web.log"
        env = self._environment("web.1", config)
        self._web = WebDyno(self._root.app, command, env, log, on_stop=self._web_stopped)
        try:
            self._web.wait_until_bound()
        except DynoCrashed:
            self.stop()
            raise
        return self._web

    def web(self, release: Release, config: Config) -> WebDyno:
        """Return the web dyno, booted if it is not up."""
        return self._web or self.boot(release, config)

    def stop(self) -> None:
        """Stop the web dyno, if it is up."""
        if self._web is not None:
            self._web.stop()

    def find(self, path: Path) -> Path:
        """Return where `path` is at present: a running dyno does not see it where it was."""
        return self._curtain.find(path)

    @contextmanager
    def _home_for_one_command(self, release: Release) -> Iterator[None]:
        self._unpack(release)
        try:
            yield
        finally:
            self._curtain.open()

    def _unpack(self, release: Release) -> None:
        root = self._root
        self._curtain.close([root.app, root.tmp, *self._build_only])
        root.renew(root.app, root.tmp)
        release.slug.unpack(root.app)

    def _web_stopped(self) -> None:
        self._web = None
        self._curtain.open()

    def _environment(self, dyno: str, config: Config) -> dict[str, str]:
        home, tmp = self._root.app, self._root.tmp
        return dyno_environment(home=home, tmp=tmp, stack=self._stack, dyno=dyno, config=config)
