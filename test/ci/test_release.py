"""`make release`, in a clone whose `check`, `demo` and `smoke` only say where they are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.paths import REPOSITORY

# A target fails when a file in the repository's .git says so.
MAKEFILE = """\
LOG := {repository}/.git/run

check demo smoke:
\t@echo "$@ $(CURDIR) $$(cat lib/slugfit/__init__.py | tail -n 1) $$(echo *)" >>$(LOG)
\t@test ! -e {repository}/.git/fail-$@
"""
NEXT = "## 7.8.9 (unreleased)"
IN_TARBALL = "CHANGELOG.md LICENSE Makefile README.md bin buildpack.toml lib pyproject.toml test"


class Clone:
    """A repository of its own, on main, whose changelog has the next version."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # The files as they are now, committed or not.
        self.git("init", "--quiet", "--initial-branch=main", str(root), at=REPOSITORY)
        listed = self.git("ls-files", "--cached", "--others", "--exclude-standard", at=REPOSITORY)
        files = [name for name in listed.splitlines() if os.path.lexists(REPOSITORY / name)]
        copy = ["cp", "--parents", "--no-dereference", "--target-directory", str(root), *files]
        subprocess.run(copy, cwd=REPOSITORY, check=True)
        (root / "Makefile").write_text(MAKEFILE.format(repository=root))
        changelog = root / "CHANGELOG.md"
        changelog.write_text(f"# Changelog\n\n{NEXT}\n\n- New.\n")
        self.git("config", "user.name", "Tests")
        self.git("config", "user.email", "tests@example.com")
        self.commit("Begin")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=at or self.root, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def release(self, version: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ".ci/release.py", version],
            cwd=self.root,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": "lib", "HOME": str(self.root / ".git")},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def state(self) -> tuple[str, ...]:
        """What a release that fails leaves as it was."""
        asked: Sequence[tuple[str, ...]] = (
            ("rev-parse", "HEAD"),
            ("tag", "--list"),
            ("status", "--porcelain"),
            ("worktree", "list"),
            ("branch", "--list"),
        )
        return tuple(self.git(*arguments) for arguments in asked)

    @property
    def runs(self) -> list[list[str]]:
        """Of each target that was run: its name, where, the version, and what was there."""
        log = self.root / ".git/run"
        lines = log.read_text().splitlines() if log.exists() else []
        return [re.split(r" (?=/|VERSION|CHANGELOG)", line) for line in lines]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


def test_a_release_is_dated_tested_and_tagged(clone: Clone) -> None:
    released = clone.release("7.8.9")
    assert released.returncode == 0, released.stderr
    assert released.stdout.endswith("To publish it:\n  git push origin main v7.8.9\n")
    assert clone.git("log", "-2", "--format=%s") == "Release 7.8.9\nBegin"
    assert clone.git("rev-parse", "v7.8.9^{commit}") == clone.git("rev-parse", "main")
    assert clone.git("cat-file", "-t", "v7.8.9") == "tag"
    assert clone.git("show", "--format=", "--name-only", "HEAD") == (
        "CHANGELOG.md\nlib/slugfit/__init__.py"
    )
    head = (clone.root / "CHANGELOG.md").read_text().splitlines()[2]
    assert re.fullmatch(r"## 7\.8\.9 \(20\d\d-\d\d-\d\d\)", head)
    assert clone.git("status", "--porcelain") == ""
    assert len(clone.git("worktree", "list").splitlines()) == 1


def test_the_demo_and_the_smoke_tests_are_run_on_what_the_registry_gets(clone: Clone) -> None:
    clone.release("7.8.9")
    (check, tree, version, files), *others = clone.runs
    assert (check, version) == ("check", 'VERSION = "7.8.9"')
    assert "docs" in files.split()
    assert [name for name, *_ in others] == ["demo", "smoke"]
    for _, directory, version, files in others:
        assert directory not in (tree, str(clone.root))
        assert version == 'VERSION = "7.8.9"'
        assert files == IN_TARBALL


@pytest.mark.parametrize("target", ["check", "demo", "smoke"])
def test_nothing_is_released_when_a_step_fails(clone: Clone, target: str) -> None:
    before = clone.state
    (clone.root / f".git/fail-{target}").touch()
    refused = clone.release("7.8.9")
    assert refused.returncode == 1
    step = "check" if target == "check" else "demo smoke"
    assert refused.stderr.endswith(
        "No release.\nThis failed: make --old-file=.venv/.ready "
        f"--old-file=.cache/npm/.ready {step}\n"
    )
    assert clone.runs[-1][0] == target
    assert clone.state == before


def test_all_that_stands_in_the_way_is_said_at_once(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--create", "other")
    (clone.root / "new").touch()
    clone.git("tag", "v7.8")
    before = clone.state
    refused = clone.release("7.8")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "No release.\n"
        'VERSION="7.8" is no version such as 1.2.3.\n'
        "The branch is other, not main.\n"
        "The tree has changes that are not committed.\n"
        "The tag v7.8 exists.\n"
        'CHANGELOG.md has no heading "## 7.8 (unreleased)".\n'
    )
    assert clone.runs == []
    assert clone.state == before


def test_a_version_is_asked_for(clone: Clone) -> None:
    refused = clone.release("")
    assert refused.returncode == 1
    assert 'VERSION="" is no version such as 1.2.3.\n' in refused.stderr
