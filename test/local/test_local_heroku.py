"""The local Heroku itself, building tiny apps with tiny buildpacks written in bash."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slugfit.local.build_run import BuildFailed
from slugfit.local.dyno import DynoCrashed, WebDyno
from slugfit.local.release import SlugLimits
from slugfit.local.roots import on_another_filesystem
from slugfit.local.servers import is_listening
from support.heroku import App

MakeApp = Callable[..., App]

SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"path": self.path, "greeting": os.environ.get("GREETING")})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"type": self.headers["Content-Type"], "sum": sum(json.loads(body))})

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print("booting", flush=True)
HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tiny app: a Procfile and a server."""
    directory = tmp_path / "tiny_app"
    directory.mkdir()
    (directory / "Procfile").write_text(f"web: {sys.executable} server.py\n")
    (directory / "server.py").write_text(SERVER)
    return directory


@pytest.fixture
def make_app(source: Path) -> Iterator[MakeApp]:
    """Make apps that are closed when the test is over."""
    apps: list[App] = []

    def make(*buildpacks: Path, **options: Any) -> App:
        apps.append(App(source, buildpacks=buildpacks, **options))
        return apps[-1]

    yield make
    for app in apps:
        app.close()


def buildpack(path: Path, **scripts: str) -> Path:
    """Write a buildpack: its `bin/` scripts by name, with underscores for hyphens."""
    defaults = {"detect": f"echo {path.name.capitalize()}", "compile": "true"}
    for name, body in {**defaults, **scripts}.items():
        script = path / "bin" / name.replace("_", "-")
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/usr/bin/env bash\n{body}\n")
        script.chmod(0o755)
    return path


def lines_after(marker: str, output: str) -> list[str]:
    """Return the lines that a script printed with this marker before them."""
    return [line.removeprefix(marker) for line in output.splitlines() if line.startswith(marker)]


# Building


def test_a_build_prints_the_log_that_the_platform_prints(tmp_path: Path, make_app: MakeApp) -> None:
    first = buildpack(tmp_path / "one", compile='echo "-----> Building $1 with $2"')
    second = buildpack(tmp_path / "two", compile='echo -e " \\e[1;33m!     Notice\\e[0m" >&2')
    app = make_app(first, second, stack="heroku-22")
    app.deploy()
    megabytes = f"{app.slug.compressed_bytes / 1_000_000:.1f}M"
    assert app.transcript == (
        "-----> Building on the Heroku-22 stack\n"
        "-----> Using buildpacks:\n"
        "       1. one\n"
        "       2. two\n"
        "-----> One app detected\n"
        "-----> Building /tmp/build_<hash> with /tmp/codon/tmp/cache\n"
        "-----> Two app detected\n"
        " !     Notice\n"
        "-----> Discovering process types\n"
        "       Procfile declares types -> web\n"
        "\n"
        "-----> Compressing...\n"
        f"       Done: {megabytes}\n"
        "-----> Launching...\n"
    )
    assert " \x1b[1;33m!     Notice\x1b[0m\n" in app.raw_output
    assert app.succeeded


def test_scripts_find_a_bare_environment_and_config_vars_as_files(
    tmp_path: Path, make_app: MakeApp
) -> None:
    compile_script = 'env | sed "s/=.*//; s/^/var /"; cat "$3/SECRET" >"$1/secret"; ls "$3"'
    config = {"SECRET": b"two\nlines, \xff\n", "HOME": "/not/this/one"}
    app = make_app(
        buildpack(tmp_path / "one", compile=compile_script),
        config=config,
        build_env={"PYTHONPATH": "/invalid"},
    )
    app.deploy()
    ours = {"PYTHONPATH", "TMPDIR"}
    bash = {"PWD", "SHLVL", "_"}
    heroku = {"DYNO", "HOME", "PATH", "REQUEST_ID", "SOURCE_VERSION", "STACK"}
    index = {"PIP", "UV", "SSL", "REQUESTS", "HTTP", "HTTPS", "NO", "http", "https", "no"}
    seen = lines_after("var ", app.output)
    assert {name for name in seen if name.split("_")[0] not in index} == ours | bash | heroku
    assert (app.build_dir / "secret").read_bytes() == config["SECRET"]
    assert "\nHOME\nSECRET\n" in app.output


def test_lines_of_both_streams_keep_their_order(tmp_path: Path, make_app: MakeApp) -> None:
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    app = make_app(buildpack(tmp_path / "one", compile=script))
    app.deploy()
    assert "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n" in app.output


def test_export_reaches_later_buildpacks_only_and_is_gone_at_the_next_build(
    tmp_path: Path, make_app: MakeApp
) -> None:
    exporting = buildpack(
        tmp_path / "one",
        compile='cd "${0%/*}/.."; ls -d export; echo "export FROM=one PATH=/x:\\$PATH" >export',
        report='echo "{\\"from\\": \\"${FROM:-nobody}\\"}"',
    )
    later = buildpack(tmp_path / "two", compile='echo "from ${FROM} ${PATH%%:*}"')
    app = make_app(exporting, later)
    for _ in range(2):
        app.push()
        assert lines_after("from ", app.output) == ["one /x"]
        assert "ls: cannot access 'export'" in app.output
    assert app.reports == {"one": {"from": "nobody"}}
    assert not (exporting / "export").exists()


def test_a_rebuild_has_a_new_build_directory_and_the_old_cache(
    tmp_path: Path, make_app: MakeApp
) -> None:
    script = 'mkdir -p "$2"; echo build >>"$2/builds"; cat "$2/builds" "$1/note"'
    app = make_app(buildpack(tmp_path / "one", compile=script))
    (app.source_dir / "note").write_text("note first\n")
    app.deploy()
    before = app.build_dir
    (app.source_dir / "note").write_text("note second\n")
    app.push()
    assert app.build_dir != before
    assert not before.exists()
    assert (app.cache_dir / "builds").read_text() == "build\nbuild\n"
    assert lines_after("note ", app.output) == ["second"]


def test_a_failing_detect_ends_the_build_with_what_it_said(
    tmp_path: Path, make_app: MakeApp
) -> None:
    refusing = buildpack(tmp_path / "one", detect="echo ignored; echo 'No cobol here.' >&2; exit 1")
    app = make_app(refusing)
    with pytest.raises(BuildFailed) as failure:
        app.deploy()
    assert failure.value.output.endswith(
        "-----> App not compatible with buildpack: one\n"
        "       No cobol here.\n"
        "\n"
        " !     Push failed\n"
    )


def test_a_failed_build_has_its_report_and_leaves_the_release_before_it(
    tmp_path: Path, make_app: MakeApp
) -> None:
    first = buildpack(tmp_path / "one", report="""echo '{"ok": true}'""")
    failing = buildpack(
        tmp_path / "two",
        compile='[[ ! -f "$1/broken" ]] || { echo " !     Error: broken" >&2; exit 1; }',
        report='[[ ! -f "$1/broken" ]] || echo \'{"failure_reason": "app::broken"}\'',
    )
    app = make_app(first, failing, allow_failure=True)
    app.deploy()
    slug = app.slug
    (app.source_dir / "broken").touch()
    app.push()
    assert not app.succeeded
    assert app.reports == {"one": {"ok": True}, "two": {"failure_reason": "app::broken"}}
    assert app.slug == slug
    assert app.run("ls").output == "Procfile\nserver.py\n"
    assert app.output.endswith(
        " !     Error: broken\n"
        " !     Push rejected, failed to compile two app.\n"
        "\n"
        " !     Push failed\n"
    )


@pytest.mark.parametrize(("discard", "left"), [(False, "1\n2\n"), (True, "1\n")])
def test_a_failed_build_keeps_its_cache_unless_told_to_do_as_heroku_does(
    tmp_path: Path, make_app: MakeApp, discard: bool, left: str
) -> None:
    script = 'mkdir -p "$2"; cat "$1/number" >>"$2/builds"; [[ ! -f "$1/broken" ]]'
    app = make_app(
        buildpack(tmp_path / "one", compile=script),
        discard_cache_on_failure=discard,
        allow_failure=True,
    )
    (app.source_dir / "number").write_text("1\n")
    app.deploy()
    (app.source_dir / "number").write_text("2\n")
    (app.source_dir / "broken").touch()
    app.push()
    assert (app.cache_dir / "builds").read_text() == left


def test_slugignore_deletes_before_the_buildpacks_and_never_after(
    tmp_path: Path, make_app: MakeApp
) -> None:
    script = 'cd "$1"; find . -name "*.md" | sort; mkdir docs; touch docs/new notes.md'
    app = make_app(buildpack(tmp_path / "one", compile=script))
    (app.source_dir / ".slugignore").write_text("# comment\n*.md\n/docs\nserver.py/\n")
    (app.source_dir / "docs").mkdir()
    for name in ("README.md", "docs/old", "docs/more.md"):
        (app.source_dir / name).touch()
    app.deploy()
    assert ".md" not in app.output
    assert app.slug.names() == [
        ".slugignore", "Procfile", "docs", "docs/new", "notes.md", "server.py",
    ]  # fmt: skip


def test_a_slug_counts_every_hard_link_in_full(tmp_path: Path, make_app: MakeApp) -> None:
    script = 'head -c 3000000 /dev/urandom >"$1/a"; ln "$1/a" "$1/b"; ln -s a "$1/c"'
    app = make_app(buildpack(tmp_path / "one", compile=script))
    app.deploy()
    assert app.slug.raw_bytes > 6_000_000
    assert app.slug.compressed_bytes == app.slug.path.stat().st_size > 6_000_000
    assert app.run("stat -c %h a b; readlink c").output == "1\n1\na\n"


def test_a_slug_over_the_limit_is_refused_and_a_large_one_gets_a_warning(
    tmp_path: Path, make_app: MakeApp
) -> None:
    growing = buildpack(tmp_path / "one", compile='head -c 2000000 /dev/urandom >"$1/weights"')
    refused = make_app(growing, slug_limits=SlugLimits(hard=1_000_000), allow_failure=True)
    refused.deploy()
    assert refused.output.endswith(
        "-----> Compressing...\n"
        " !     Compiled slug size: 2.0M is too large (max is 1M).\n"
        "\n"
        " !     Push failed\n"
    )
    warned = make_app(growing, slug_limits=SlugLimits(soft=1_000_000))
    warned.deploy()
    assert warned.output.endswith(
        "       Done: 2.0M\n"
        "-----> Launching...\n"
        " !     Warning: Your slug size (2 MB) exceeds our soft limit (1 MB) "
        "which may affect boot time.\n"
    )


def test_the_last_release_script_gives_default_process_types(
    tmp_path: Path, make_app: MakeApp
) -> None:
    first = buildpack(tmp_path / "one", release="echo not asked")
    last = buildpack(
        tmp_path / "two",
        release="printf -- '---\\ndefault_process_types:\\n  web: \"no\"\\n  worker: sleep 1\\n'",
    )
    app = make_app(first, last)
    app.deploy()
    assert "       Default types for buildpack -> worker\n" in app.output
    assert app.get("/").status == 200


def test_a_build_in_the_app_directory_has_another_home_and_another_filesystem(
    tmp_path: Path, make_app: MakeApp
) -> None:
    app = make_app(buildpack(tmp_path / "one", compile='echo "$1 $HOME"'), in_app_dir=True)
    app.deploy()
    assert "\n/app /tmp/build_home\n" in app.transcript
    assert app.build_dir == app.app_dir
    assert app.run("pwd; ls").output == f"{app.app_dir}\nProcfile\nserver.py\n"
    assert (app.build_dir / "Procfile").exists()
    if on_another_filesystem_exists(app.root):
        assert app.cache_dir.parent.stat().st_dev != app.root.stat().st_dev


def on_another_filesystem_exists(root: Path) -> bool:
    """Tell whether this machine has another filesystem for caches."""
    directory = on_another_filesystem(root)
    if directory is not None:
        directory.rmdir()
    return directory is not None


def test_buildpacks_can_be_read_only(tmp_path: Path, make_app: MakeApp) -> None:
    app = make_app(
        buildpack(tmp_path / "one", compile='stat -c %A "${0%/*}/.." "$0"'),
        buildpacks_read_only=True,
    )
    app.deploy()
    assert "\ndr-xr-xr-x\n-r-xr-xr-x\n" in app.output


# Dynos


def test_a_dyno_sources_profile_scripts_in_order_with_config_vars_set(
    tmp_path: Path, make_app: MakeApp
) -> None:
    app = make_app(buildpack(tmp_path / "one"), config={"GREETING": "grüß dich"})
    profile = app.source_dir / ".profile.d"
    profile.mkdir()
    (profile / "b.sh").write_text('ORDER="${ORDER}b"; set -o nounset\n')
    (profile / "a.sh").write_text('export ORDER="${GREETING} a"\n')
    (profile / "c.txt").write_text("exit 1\n")
    app.deploy()
    result = app.run('echo "${ORDER}, ${HOME}, ${DYNO}"; echo "${UNSET}"')
    assert result.output.startswith(f"grüß dich ab, {app.app_dir}, run.1\n")
    assert "UNSET: unbound variable" in result.output
    assert not result.succeeded


def test_each_dyno_has_a_fresh_home_and_nothing_of_the_build(
    tmp_path: Path, make_app: MakeApp
) -> None:
    script = 'mkdir -p "$2"; touch "$2/model"; ln -s "$2/model" "$1/model"; echo "$1" >"$1/baked"'
    app = make_app(buildpack(tmp_path / "one", compile=script))
    app.deploy()
    assert app.run("touch written; ls $TMPDIR; cat model").output == (
        "cat: model: No such file or directory\n"
    )
    assert app.run('ls; ls -d "$(<baked)"').output == (
        f"Procfile\nbaked\nmodel\nserver.py\nls: cannot access '{app.build_dir}': "
        "No such file or directory\n"
    )
    assert (app.build_dir / "model").exists()
    app.boot()
    assert app.build_dir.is_dir()
    assert (app.cache_dir / "model").exists()


def test_the_web_dyno_answers_and_restarts_with_new_config_vars(
    tmp_path: Path, make_app: MakeApp
) -> None:
    app = make_app(buildpack(tmp_path / "one"), config={"GREETING": "hello"})
    app.deploy()
    assert app.get("/path?q=1").json() == {"path": "/path?q=1", "greeting": "hello"}
    answer = app.post("/sum", json=[1, 2, 3])
    assert (answer.status, answer.json()) == (200, {"type": "application/json", "sum": 6})
    app.set_config({"GREETING": "goodbye"})
    with app.boot() as web:
        assert web.get("/").json()["greeting"] == "goodbye"
        assert web.output.startswith("booting\n")


def test_a_web_process_that_ends_is_told_from_one_that_does_not_bind(
    tmp_path: Path, make_app: MakeApp
) -> None:
    app = make_app(buildpack(tmp_path / "one"))
    (app.source_dir / "Procfile").write_text("web: echo no such model; exit 3\n")
    app.deploy()
    with pytest.raises(DynoCrashed, match=r"H10: .*\nno such model\n"):
        app.boot()
    log = tmp_path / "log"
    sleeping = WebDyno(tmp_path, "sleep 60", os.environ, log, on_stop=lambda: None)
    with sleeping, pytest.raises(DynoCrashed, match="R10: "):
        sleeping.wait_until_bound(0.2)


# Heroku CI


def test_ci_builds_in_the_app_directory_and_runs_the_last_test_script(
    tmp_path: Path, make_app: MakeApp
) -> None:
    first = buildpack(
        tmp_path / "one",
        test_compile='mkdir -p "$2"; echo x >>"$2/runs"; echo "for CI $CI $(grep -c x $2/runs)"',
        compile="echo not for CI",
        test="echo not the last",
    )
    last = buildpack(
        tmp_path / "two",
        compile='echo "compile ${1##*/} ${HOME##*/}"; mkdir "$1/.profile.d"; '
        'echo "export PROFILE=yes" >"$1/.profile.d/two.sh"',
        report="echo never on CI >&2; exit 1",
        test='echo "testing ${1##*/} ${PROFILE} ${GREETING} ${CI}"',
    )
    app = make_app(first, last, config={"GREETING": "hello"})
    run = app.run_ci()
    expected = (
        "-----> Building on the Heroku-24 stack\n"
        "-----> Using buildpacks:\n"
        "       1. one\n"
        "       2. two\n"
        "-----> One app detected\n"
        "for CI true {}\n"
        "-----> Two app detected\n"
        "compile app app\n"
        "-----> Running tests\n"
        "testing app yes hello true\n"
    )
    assert run.output == expected.format(1)
    assert run.run_again().output == expected.format(2)


def test_ci_prefers_the_test_script_of_app_json_and_its_failure_fails_the_run(
    tmp_path: Path, make_app: MakeApp
) -> None:
    app = make_app(buildpack(tmp_path / "one", test="echo not asked"), allow_failure=True)
    test = {"env": {"GREETING": "hi"}, "scripts": {"test": "echo $GREETING from app.json; exit 4"}}
    document = {"environments": {"test": test}}
    (app.source_dir / "app.json").write_text(json.dumps(document))
    run = app.run_ci()
    assert run.output.endswith("-----> Running tests\nhi from app.json\n")
    assert (run.succeeded, run.status) == (False, 4)


def test_closing_stops_the_web_dyno_and_removes_everything(
    tmp_path: Path, make_app: MakeApp
) -> None:
    app = make_app(
        buildpack(tmp_path / "one", test="true"), in_app_dir=True, buildpacks_read_only=True
    )
    app.deploy()
    run = app.run_ci()
    web = app.boot()
    app.close()
    assert not is_listening(web.port)
    assert not any(path.exists() for path in (app.root, app.cache_dir, run.cache_dir))
