"""Bad input, as a whole build meets it: the words, exit 1, cache and app as they were."""

from __future__ import annotations

from support.fixtures import BUCKET, KEY, MakeApp, own_log, without_record
from support.heroku import SLUGFIT, App
from support.http import Reply, ScriptedServer
from support.paths import DIGITS
from support.processes import free_port
from support.s3 import S3Server
from support.snapshot import snapshot

READING = "-----> Reading configuration from {}\n\n"
FROM_FILE = READING.format("slugfit.toml")
FROM_VARS = READING.format("defaults and config vars")
WEIGHTS = b"weights" * 1000


def failure_of(app: App) -> str:
    """Build, which must fail and leave cache and app as they were; what our compile said."""
    before = without_record(snapshot(app.cache_dir / "slugfit"))
    app.deploy()
    assert not app.succeeded
    after = without_record(snapshot(app.cache_dir / "slugfit"))
    assert after == before
    assert files_of_the_app(app) == {
        path: entry._replace(mtime_ns=0) for path, entry in snapshot(app.source_dir).items()
    }
    # heroku/python cached it before our compile: with hard links, but whole.
    python = snapshot(app.build_dir / ".heroku/python")
    assert python == snapshot(app.cache_dir / ".heroku/python")
    return own_log(app)


def files_of_the_app(app: App) -> dict[str, object]:
    return {
        path: entry._replace(mtime_ns=0)
        for path, entry in snapshot(app.build_dir).items()
        if not path.startswith((".heroku", ".profile.d"))
    }


def expected(error: str) -> str:
    """An error's lines as the log shows them."""
    return "\n".join(f" !     {line}".rstrip() for line in error.splitlines())
