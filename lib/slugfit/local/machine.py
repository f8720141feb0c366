"""The machine that builds: prepared afresh for every build."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slugfit.app.python_version import PythonVersion
from slugfit.app.slugignore import apply_slugignore
from slugfit.local.build_run import Build, BuildSite
from slugfit.local.buildpack import Buildpack, BuildRequest, Host
from slugfit.local.environment import Config, build_environment, write_env_dir
from slugfit.local.roots import Root
from slugfit.local.transcript import Transcript


@dataclass(frozen=True)
class BuildOptions:
    """What stays the same from one build of an app to the next."""

    source: Path
    host: Host
    buildpacks: tuple[Buildpack, ...]
    stack: str
    python: PythonVersion | None = None
    build_env: Mapping[str, str] = field(default_factory=dict)
    buildpacks_read_only: bool = False


@dataclass(frozen=True)
class BuildMachine:
    """The directories of one build."""

    root: Root
    build_dir: Path
    cache_dir: Path
    home: Path


def start_build(
    options: BuildOptions,
    machine: BuildMachine,
    config: Config,
    transcript: Transcript,
    *,
    ci_variables: Mapping[str, str] | None = None,
) -> Build:
    """Prepare a build: fresh source, config vars, buildpacks. On Heroku CI with its variables."""
    root = machine.root
    _copy_source(options.source, machine.build_dir)
    machine.home.mkdir(exist_ok=True)
    write_env_dir(root.env, config)
    env = build_environment(
        home=machine.home,
        tmp=root.tmp,
        stack=options.stack,
        environ=options.host.environ,
        extra={**(ci_variables or {}), **options.build_env},
    )
    site = BuildSite(machine.build_dir, machine.cache_dir, root.env, cwd=root.tmp, env=env)
    request = BuildRequest(machine.build_dir, root.app, options.python, options.host)
    root.renew(root.buildpacks)
    buildpacks = [
        (
            buildpack.copy_to(
                root.buildpacks / str(number), read_only=options.buildpacks_read_only
            ),
            buildpack.variables(request),
        )
        for number, buildpack in enumerate(options.buildpacks, start=1)
    ]
    _announce(options, transcript)
    return Build(site, buildpacks, transcript, for_ci=ci_variables is not None)


def _copy_source(source: Path, build_dir: Path) -> None:
    shutil.copytree(
        source,
        build_dir,
        symlinks=True,
        ignore=shutil.ignore_patterns(".git"),
        dirs_exist_ok=True,
    )
    apply_slugignore(build_dir)


def _announce(options: BuildOptions, transcript: Transcript) -> None:
    transcript.line(f"-----> Building on the {options.stack.capitalize()} stack")
    transcript.line("-----> Using buildpacks:")
    for number, buildpack in enumerate(options.buildpacks, start=1):
        transcript.line(f"       {number}. {buildpack.name}")
