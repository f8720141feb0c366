"""The app's own check is the last word: what it needs comes back, or the build ends."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from slugfit.base.errors import render
from slugfit.base.process import Finished
from slugfit.settings.model import StripSettings
from slugfit.strip import Restored, Stripped
from slugfit.strip.trials.smoke import Smoke, SmokeFailed
from support.packages import Site
from support.snapshot import snapshot


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def install(site: Site, *names: str) -> None:
    for name in names:
        files = {f"{name}/__init__.py": "", f"{name}/docs/terms.txt": name}
        site.install(name, files)


def reading(site: Site, *names: str) -> str:
    """A check that needs the documentation of `names`, and notes each of its runs."""
    files = " ".join(f"{site.root}/{name}/docs/terms.txt" for name in names)
    return f"echo run >>{site.root.parent}/runs; echo before; cat {files}"


def runs(site: Site) -> int:
    return len((site.root.parent / "runs").read_text().splitlines())


def strip_with(site: Site, smoke: str) -> Stripped:
    return site.strip(StripSettings(smoke=smoke))


def test_a_check_that_succeeds_is_run_once_and_nothing_comes_back(site: Site) -> None:
    install(site, "one")
    stripped = strip_with(site, f"echo run >>{site.root.parent}/runs")
    assert runs(site) == 1
    assert stripped.restored == ()
    assert stripped.started == ("strip.smoke",)
    assert not (site.root / "one/docs").exists()


def test_what_the_check_needs_is_put_back_and_no_more(site: Site) -> None:
    names = [f"p{number:02}" for number in range(30)]
    install(site, *names)
    before = snapshot(site.root / "p17")
    stripped = strip_with(site, reading(site, "p17"))
    said = f"cat: {site.root}/p17/docs/terms.txt: No such file or directory"
    assert stripped.restored == (Restored("p17", "strip.smoke", said),)
    assert snapshot(site.root / "p17") == before
    assert not (site.root / "p16/docs").exists()
    # Its output names the package: once stripped, once whole, once with that one.
    assert runs(site) == 3
    assert site.untrue_rows() == []


def test_a_check_that_does_not_say_what_it_needs_gets_it_in_a_few_runs(site: Site) -> None:
    names = [f"p{number:02}" for number in range(30)]
    install(site, *names)
    stripped = strip_with(site, f"({reading(site, 'p17')}) 2>/dev/null")
    assert "p17" in {restored.distribution for restored in stripped.restored}
    assert len(stripped.restored) < 4
    assert (site.root / "p17/docs/terms.txt").exists()
    assert runs(site) <= 8


def test_a_check_that_fails_with_everything_in_its_place_ends_the_build(site: Site) -> None:
    install(site, "one")
    command = f"echo run >>{site.root.parent}/runs; echo working; echo broken >&2; exit 3"
    with pytest.raises(SmokeFailed) as caught:
        strip_with(site, command)
    assert caught.value.command == command
    assert caught.value.finished == Finished(3, "broken", ("working", "broken"))
    assert runs(site) == 2


def test_the_failure_explains_itself() -> None:
    lines = tuple(f"line {number}" for number in range(25))
    failure = SmokeFailed("python -m shop.selfcheck", Finished(1, "line 24", lines))
    assert failure.id == "strip::smoke-failed"
    assert failure.kind == "user"
    assert render(failure) == [
        "Error: The app's own check fails, with every package restored.",
        "",
        "python -m shop.selfcheck",
        "ended with status 1",
        *(f"  line {number}" for number in range(5, 25)),
        "",
        "It is strip.smoke in the configuration. Slugfit restored everything that it had",
        "removed and ran the check again: the strip is not the cause.",
        "",
        "To fix this:",
        "1. Run it in the app's directory, where its packages are installed:",
        "   python -m shop.selfcheck",
        "2. Make it work without config vars and add-ons: a build has none of them.",
        "3. To build without the check, delete smoke from [strip] in slugfit.toml.",
        "",
        "For more information, see:",
        "https://github.com/slugfit/slugfit/blob/main/docs/errors.md#stripsmoke-failed",
    ]


@pytest.mark.parametrize(
    ("finished", "line"),
    [
        (Finished(None, "took longer than 300 seconds"), "took longer than 300 seconds"),
        (Finished(-9, "killed by signal 9"), "killed by signal 9"),
        (Finished(1, "x" * 1000, ("x" * 1000,)), "ended with status 1\n  " + "x" * 160),
    ],
)
def test_the_evidence_is_how_it_ended_and_what_it_said(finished: Finished, line: str) -> None:
    assert "\n".join(SmokeFailed("check", finished).explain().evidence) == line


def smoke(site: Site, command: str, **given: str) -> Smoke:
    interpreter = site.interpreter
    return Smoke(command, site.app, interpreter.python, {**interpreter.env, **given})


def test_it_is_a_shell_command_in_the_apps_directory_with_the_apps_python(site: Site) -> None:
    install(site, "one")
    (site.app / "selfcheck.py").write_text("import one, sys\nprint(sys.executable)\n")
    finished = smoke(site, "set -o pipefail; pwd; python -m selfcheck | cat").run()
    assert finished.ok
    directory, python = finished.tail
    assert directory == str(site.app)
    assert Path(python).parent == site.interpreter.python.parent


def test_it_writes_no_bytecode_and_has_a_home_of_its_own(site: Site) -> None:
    install(site, "one")
    (site.app / "selfcheck.py").write_text("import one\n")
    before = snapshot(site.app)
    finished = smoke(site, "touch ~/x $TMPDIR/y && python -c 'import selfcheck'", HOME="/").run()
    assert finished.ok
    assert snapshot(site.app) == before


def test_it_is_ended_when_it_takes_too_long(site: Site) -> None:
    slow = dataclasses.replace(smoke(site, "echo begun; sleep 600"), seconds=5)
    assert slow.run() == Finished(None, "took longer than 5 seconds", ("begun",), "seconds")
