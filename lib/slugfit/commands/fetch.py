"""`slugfit fetch SOURCE DEST`: one model, or a directory of files, without an app around it."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from slugfit.commands.context import Context

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="s3://, https://, hf://, gs:// or az://")
    parser.add_argument("dest", metavar="DEST", help="a file; a directory for many")
    parser.add_argument("--sha256", metavar="HEX", type=_sha256, help="refuse any other content")
    parser.add_argument("--include", metavar="GLOB", action="append", default=[])
    parser.add_argument("--exclude", metavar="GLOB", action="append", default=[])
    parser.add_argument("--unpack", action="store_true", help="unpack an archive into DEST")
    parser.add_argument("--authorization", metavar="VARIABLE", help="holds the HTTP header's value")
    parser.add_argument("--requester-pays", action="store_true", help="of an S3 bucket")


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ArgumentTypeError("not 64 hexadecimal digits, as sha256sum prints them")
    return text.lower()


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.models.delivery import deliver  # noqa: PLC0415
    from slugfit.models.transfer import transfer_for  # noqa: PLC0415
    from slugfit.models.wire import Network  # noqa: PLC0415
    from slugfit.needs import groups_for  # noqa: PLC0415
    from slugfit.settings.arguments import settings_from  # noqa: PLC0415

    settings = settings_from(args, context.environ)
    context.output.redact.learn(settings.secrets)
    context.dependencies.provide(*groups_for(settings))
    transfer = transfer_for(settings.fetch.deadline, Network.of(context.environ))
    sha256 = deliver(settings, transfer, context.output)
    context.output.detail(f"sha256 {sha256}")
    return 0
