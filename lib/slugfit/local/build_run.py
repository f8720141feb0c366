"""One build: the buildpacks, one after the other, as the platform runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slugfit.app.procfile import declared, released
from slugfit.local.buildpack import StagedBuildpack
from slugfit.local.scripts import ScriptResult, run_script, stream_script
from slugfit.local.transcript import Transcript

# `export` files are sourced by bash, then the script runs in the environment they leave.
SOURCE_AND_RUN = 'while [[ "${1}" != -- ]]; do source "${1}"; shift; done; shift; exec "${@}"'


class BuildFailed(Exception):  # noqa: N818 (reads as Heroku says it)
    """The build failed, as a `git push heroku` would have; carries the whole log."""

    def __init__(self, output: str) -> None:
        super().__init__(f"the build failed:\n{output}")
        self.output = output


class BuildStoppedError(Exception):
    """A buildpack or a limit ended the build; the log says why."""


@dataclass(frozen=True)
class BuildSite:
    """Where a build happens, and in which environment its scripts run."""

    build_dir: Path
    cache_dir: Path
    env_dir: Path
    cwd: Path
    env: Mapping[str, str]


@dataclass
class Build:
    """A run of all buildpacks over one build directory."""

    site: BuildSite
    buildpacks: Sequence[tuple[StagedBuildpack, Mapping[str, str]]]
    transcript: Transcript
    for_ci: bool = False
    report_results: dict[str, ScriptResult] = field(default_factory=dict)

    def run(self) -> None:
        """Run all buildpacks in order; raises BuildStoppedError at the first that fails."""
        for buildpack, variables in self.buildpacks:
            env = {**self.site.env, **variables}
            self._detect(buildpack, env)
            try:
                self._compile(buildpack, env)
            finally:
                self._report(buildpack, env)

    def process_types(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what the Procfile declares, and what the last `bin/release` adds to it."""
        own = declared(self.site.build_dir)
        defaults = released(self._release())
        return own, {name: command for name, command in defaults.items() if name not in own}

    def reports(self) -> dict[str, dict[str, Any]]:
        """Return what each `bin/report` printed, by the buildpack's name."""
        printed = {name: result.stdout for name, result in self.report_results.items()}
        return {name: json.loads(text) if text else {} for name, text in printed.items()}

    def _detect(self, buildpack: StagedBuildpack, env: Mapping[str, str]) -> None:
        command = [buildpack.required("detect"), self.site.build_dir]
        result = run_script(command, env=env, cwd=self.site.cwd)
        if result.status != 0:
            self.transcript.line(f"-----> App not compatible with buildpack: {buildpack.name}")
            self.transcript.write(_indented(result.stderr))
            raise BuildStoppedError
        self.transcript.line(f"-----> {result.stdout.strip()} app detected")

    def _compile(self, buildpack: StagedBuildpack, env: Mapping[str, str]) -> None:
        test_script = buildpack.script("test-compile") if self.for_ci else None
        script = test_script or buildpack.required("compile")
        status = stream_script(
            ["bash", "-c", SOURCE_AND_RUN, "build", *self._exports(buildpack), "--",
             script, *self._arguments()],
            env=env,
            cwd=self.site.cwd,
            write=self.transcript.write,
        )  # fmt: skip
        if status != 0:
            self.transcript.line(f" !     Push rejected, failed to compile {buildpack.name} app.")
            raise BuildStoppedError

    def _report(self, buildpack: StagedBuildpack, env: Mapping[str, str]) -> None:
        script = buildpack.script("report")
        if script is None or self.for_ci:
            return
        command = [script, *self._arguments()]
        self.report_results[buildpack.name] = run_script(command, env=env, cwd=self.site.cwd)

    def _release(self) -> str:
        for buildpack, variables in reversed(self.buildpacks):
            script = buildpack.script("release")
            if script is not None:
                env = {**self.site.env, **variables}
                command = [script, self.site.build_dir]
                return run_script(command, env=env, cwd=self.site.cwd).stdout
        return ""

    def _arguments(self) -> list[Path]:
        return [self.site.build_dir, self.site.cache_dir, self.site.env_dir]

    def _exports(self, current: StagedBuildpack) -> Iterator[Path]:
        for buildpack, _ in self.buildpacks:
            if buildpack is current:
                return
            if buildpack.export.exists():
                yield buildpack.export


def _indented(text: str) -> str:
    return "".join(f"       {line}\n" for line in text.splitlines())
