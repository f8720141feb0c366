"""A Procfile as Heroku reads it, and what a buildpack's bin/release adds."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.app.procfile import declared, released


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("web: gunicorn app:app\nworker: celery -A jobs worker", {
            "web": "gunicorn app:app", "worker": "celery -A jobs worker",
        }),
        ("\r\n  web:\tgunicorn app:app \r\n", {"web": "gunicorn app:app"}),
        ("my-job_2 python job.py # nightly\n", {"my-job_2": "python job.py # nightly"}),
        ("web: first\nweb: second\n", {"web": "second"}),
        ("web: \xe9\n", {"web": "\ufffd"}),
        ("web:\nworker: sleep 1\n", {"worker": "sleep 1"}),
        ("web:gunicorn\n# a: comment\nweb: \n\nw\xfcb: no\nalone\n", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_procfile_names_processes(tmp_path: Path, text: str, types: dict[str, str]) -> None:
    (tmp_path / "Procfile").write_text(text, encoding="latin-1", newline="")
    assert declared(tmp_path) == types


def test_an_app_without_a_procfile_has_no_process(tmp_path: Path) -> None:
    assert declared(tmp_path) == {}
    (tmp_path / "Procfile").mkdir()
    assert declared(tmp_path) == {}


@pytest.mark.parametrize(
    ("yaml", "types"),
    [
        ("---\ndefault_process_types:\n  web: sleep 1\n  'w': \"a 'b'\"\nconfig_vars: {}\n",
         {"web": "sleep 1", "w": "a 'b'"}),
        ("default_process_types: {}\n", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_release_scripts_add_default_processes(yaml: str, types: dict[str, str]) -> None:
    assert released(yaml) == types
