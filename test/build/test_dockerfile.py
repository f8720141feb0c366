"""The Dockerfile of flask_torchscript: its instructions carried out, without a Docker engine.

What runs here: every RUN line, in order, in a mount namespace where /opt has what the Dockerfile
puts there and nothing else, with a bare Python as its base image; then its CMD. What does not: the
base images themselves, and the ADD of the repository, for which this checkout stands in.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.local.dyno import WebDyno
from support.digits import agreement, reference
from support.dockerfile import Image, Stage, can_run_stages, instructions
from support.fixtures import BUCKET
from support.paths import DIGITS, FIXTURES, REPOSITORY
from support.s3 import S3Server
from support.torch_index import NoWheelError, TorchIndex

FIXTURE = FIXTURES / "flask_torchscript"
SLUGFIT = "https://github.com/slugfit/slugfit.git#main"


def test_every_instruction_is_one_that_is_carried_out() -> None:
    names = [name for name, _ in instructions((FIXTURE / "Dockerfile").read_text())]
    assert names == [
        *("FROM", "ADD", "RUN", "WORKDIR", "COPY", "ARG", "RUN", "ARG", "ARG", "ARG", "ARG"),
        *("RUN", "COPY", "RUN", "FROM", "COPY", "COPY", "WORKDIR", "ENV", "CMD"),
    ]


@pytest.fixture
def index() -> Iterator[TorchIndex]:
    try:
        with TorchIndex() as index:
            yield index
    except NoWheelError as absent:
        pytest.skip(str(absent))


@pytest.mark.skipif(not can_run_stages(), reason="no mount namespaces for this user")
def test_the_image_has_a_slim_pytorch_and_reads_digits(
    s3: S3Server, index: TorchIndex, tmp_path: Path
) -> None:
    s3.put(BUCKET, "digits/digits.pt", DIGITS / "digits.pt")
    arguments = {**s3.config, "PIP_EXTRA_INDEX_URL": index.url}
    image = Image(FIXTURE, tmp_path / "stages", {SLUGFIT: REPOSITORY}, arguments)
    last = image.build()

    assert "-----> Stripping /opt/venv/lib/python3.11/site-packages" in image.log
    torch = last.root / "venv/lib/python3.11/site-packages/torch"
    # Of some nine thousand headers, those that a text names.
    assert len(list(torch.glob("include/**/*.h"))) < 1000
    # What has built it, and the key, stay behind.
    assert not (last.root / "slugfit").exists()
    assert s3.secret_key not in str(last.environment)
    with served(last, tmp_path / "web.log") as web:
        web.wait_until_bound()
        assert web.get("/").json()["runtime"] == "torch"
        assert agreement(web.post, reference("flask_torchscript")) >= 0.99


def served(image: Stage, log: Path) -> WebDyno:
    """Start the CMD as a dyno of the container stack does."""
    command = shlex.join(map(str, image.start(image.command, PORT="@PORT@")))
    command = f"exec {command.replace('@PORT@', '${PORT}')}"
    return WebDyno(log.parent, command, {"PATH": os.defpath}, log, on_stop=lambda: None)
