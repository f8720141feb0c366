"""`make release VERSION=X.Y.Z`: check, date, test the registry's tarball, commit and tag.

It works in a worktree of its own: the branch and the tag change at the end, or not at all.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slugfit.base.toml import loads

BRANCH = "main"
CHANGELOG, FACT = Path("CHANGELOG.md"), Path("lib/slugfit/__init__.py")
# What is slow to make and belongs to no version.
SHARED = (".venv", ".cache")
# make would make them anew, as they are older than the files of a fresh worktree.
PREPARED = ("--old-file=.venv/.ready", "--old-file=.cache/npm/.ready")
# What tests need besides what the registry has.
FOR_TESTS = ("Makefile", "pyproject.toml", "test")


class RefusedError(Exception):
    """There will be no release; the message says why."""


def main(arguments: list[str]) -> None:
    version = arguments[0] if arguments else ""
    try:
        release(version, Path.cwd())
    except RefusedError as reason:
        sys.exit(f"No release.\n{reason}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"No release.\nThis failed: {' '.join(failed.cmd)}")


def release(version: str, repository: Path) -> None:
    """Raises RefusedError, or CalledProcessError for a step that failed."""
    tag = f"v{version}"
    if reasons := [*problems(version, tag, repository)]:
        raise RefusedError("\n".join(reasons))
    with TemporaryDirectory(prefix="slugfit-release-") as scratch:
        with worktree(repository, Path(scratch, "tree")) as tree:
            date(version, tree)
            run("git", "commit", "--quiet", "--all", "--message", f"Release {version}", at=tree)
            make("check", at=tree, shared=repository)
            make("demo", "smoke", at=unpacked(tree, Path(scratch, "tarball")), shared=repository)
            commit = said("git", "rev-parse", "HEAD", at=tree)
        run("git", "merge", "--quiet", "--ff-only", commit, at=repository)
        run(
            "git",
            "tag",
            "--annotate",
            "--message",
            f"Slugfit {version}",
            tag,
            commit,
            at=repository,
        )
    sys.stdout.write(f"\nReleased. To publish it:\n  git push origin {BRANCH} {tag}\n")


def problems(version: str, tag: str, repository: Path) -> Iterator[str]:
    """Yield what stands in the way of a release."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f'VERSION="{version}" is no version such as 1.2.3.'
    if (branch := said("git", "branch", "--show-current", at=repository)) != BRANCH:
        yield f"The branch is {branch or 'none'}, not {BRANCH}."
    if said("git", "status", "--porcelain", at=repository):
        yield "The tree has changes that are not committed."
    if said("git", "tag", "--list", tag, at=repository):
        yield f"The tag {tag} exists."
    if heading(version) not in (repository / CHANGELOG).read_text().splitlines():
        yield f'{CHANGELOG} has no heading "{heading(version)}".'


def heading(version: str) -> str:
    return f"## {version} (unreleased)"


def date(version: str, tree: Path) -> None:
    """Write the day into the changelog, and the version to its one place."""
    today = datetime.datetime.now(tz=datetime.timezone.utc).date()
    changelog, fact = tree / CHANGELOG, tree / FACT
    dated = f"## {version} ({today})"
    changelog.write_text(changelog.read_text().replace(heading(version), dated, 1))
    fact.write_text(re.sub(r'(?m)^VERSION = ".*"$', f'VERSION = "{version}"', fact.read_text()))


@contextmanager
def worktree(repository: Path, path: Path) -> Iterator[Path]:
    """A checkout of the branch's commit, on no branch."""
    run("git", "worktree", "add", "--quiet", "--detach", str(path), at=repository)
    try:
        yield path
    finally:
        run("git", "worktree", "remove", "--force", str(path), at=repository)


def unpacked(tree: Path, directory: Path) -> Path:
    """What the registry's tarball has of HEAD, and beside it what tests it."""
    ignored = loads((tree / "buildpack.toml").read_text())["publish"]["Ignore"]["files"]
    paths = [".", *(f":(exclude,literal){path}" for path in ignored)]
    tarball = directory.with_suffix(".tgz")
    run("git", "archive", "--output", str(tarball), "HEAD", "--", *paths, at=tree)
    with tarfile.open(tarball) as archive:
        archive.extractall(directory, filter="data")
    run("cp", "--archive", *FOR_TESTS, str(directory), at=tree)
    return directory


def make(*targets: str, at: Path, shared: Path) -> None:
    """Run targets, with what the repository has prepared already."""
    for name in SHARED:
        if not (at / name).exists():
            (at / name).symlink_to(shared / name)
    run("make", *PREPARED, *targets, at=at)


def run(*command: str, at: Path) -> None:
    """Raises CalledProcessError."""
    # This make's own variables, VERSION among them, are not for the makes that it starts.
    environ = {
        k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "VERSION"}
    }
    subprocess.run(command, cwd=at, env=environ, check=True)


def said(*command: str, at: Path) -> str:
    done = subprocess.run(command, cwd=at, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1:])
