"""`slugfit fetch SOURCE DEST`: fetches one model, or a directory of files, without an app."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from slugfit.commands.context import Context
from slugfit.stores.registry import STORES

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def add_arguments(parser: ArgumentParser) -> None:
    *others, last = (f"{store.schemes[0]}://" for store in STORES)
    parser.add_argument("source", metavar="SOURCE", help=f"{', '.join(others)} or {last}")
    parser.add_argument("dest", metavar="DEST", help="a file, or a directory for several")
    parser.add_argument("--sha256", metavar="HEX", type=_sha256, help="refuse any other content")
    parser.add_argument("--include", metavar="GLOB", action="append", default=[])
    parser.add_argument("--exclude", metavar="GLOB", action="append", default=[])
    parser.add_argument("--unpack", action="store_true", help="unpack an archive into DEST")
    parser.add_argument("--authorization", metavar="VARIABLE", help="has the HTTP header's value")
    parser.add_argument("--requester-pays", action="store_true", help="of an S3 bucket")


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ArgumentTypeError("not 64 hexadecimal digits, as sha256sum prints them")
    return text.lower()


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.base.http import Network  # noqa: PLC0415
    from slugfit.fetch.clients import groups_for  # noqa: PLC0415
    from slugfit.fetch.fetch_to import fetch_to  # noqa: PLC0415
    from slugfit.fetch.transfer.transfer import transfer_for  # noqa: PLC0415
    from slugfit.settings.arguments import settings_from  # noqa: PLC0415

    settings = settings_from(args, context.environ)
    context.output.redact.learn(settings.secrets)
    context.dependencies.provide(*groups_for(settings))
    transfer = transfer_for(settings.fetch.deadline, Network.of(context.environ))
    sha256 = fetch_to(settings, transfer, context.output)
    context.output.detail(f"sha256 {sha256}")
    return 0
