"""Heroku CI: the build happens in the app's own directory, then the tests run there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slugfit.local.build_run import Build, BuildFailed, BuildStoppedError
from slugfit.local.dyno import shell_command
from slugfit.local.environment import Config, ci_variables, dyno_environment
from slugfit.local.machine import BuildMachine, BuildOptions, start_build
from slugfit.local.roots import Root
from slugfit.local.scripts import stream_script
from slugfit.local.transcript import Transcript


class CiRun:
    """A test run; `run_again` repeats it on the same cache."""

    def __init__(
        self,
        options: BuildOptions,
        config: Config,
        root: Root,
        cache_dir: Path,
        allow_failure: bool,
    ) -> None:
        self.cache_dir = cache_dir
        self.app_dir = root.app
        self.output = ""
        self.status = 0
        self._options = options
        self._config = config
        self._root = root
        self._allow_failure = allow_failure
        self.run_again()

    @property
    def succeeded(self) -> bool:
        """Whether the build and the tests succeeded."""
        return self.status == 0

    def run_again(self) -> CiRun:
        """Build and test a fresh copy of the source, on the same cache."""
        self._root.renew(self._root.app, self._root.tmp)
        transcript = Transcript()
        self.status = self._build_and_test(transcript)
        self.output = transcript.plain
        if not self.succeeded and not self._allow_failure:
            raise BuildFailed(self.output)
        return self

    def _build_and_test(self, transcript: Transcript) -> int:
        environment = _test_environment(self._options.source)
        config = {**environment.get("env", {}), **self._config}
        variables = ci_variables()
        machine = BuildMachine(self._root, self._root.app, self.cache_dir, home=self._root.app)
        build = start_build(self._options, machine, config, transcript, ci_variables=variables)
        try:
            build.run()
        except BuildStoppedError:
            return 1
        command = environment.get("scripts", {}).get("test") or _test_script(build)
        transcript.line("-----> Running tests")
        return self._run_tests(command, {**config, **variables}, transcript)

    def _run_tests(self, command: str | None, config: Config, transcript: Transcript) -> int:
        if command is None:
            transcript.line(" !     No test script: neither in app.json nor in a buildpack.")
            return 1
        env = dyno_environment(
            home=self._root.app,
            tmp=self._root.tmp,
            stack=self._options.stack,
            dyno="run.1",
            config=config,
        )
        return stream_script(
            shell_command(command), env=env, cwd=self._root.app, write=transcript.write
        )


def _test_environment(source: Path) -> dict[str, Any]:
    app_json = source / "app.json"
    if not app_json.is_file():
        return {}
    environment: dict[str, Any] = (
        json.loads(app_json.read_text()).get("environments", {}).get("test", {})
    )
    return environment


def _test_script(build: Build) -> str | None:
    """Return the command for the last buildpack's `bin/test`: the last one's only."""
    script = build.buildpacks[-1][0].script("test")
    return f"'{script}' '{build.site.build_dir}' '{build.site.env_dir}'" if script else None
