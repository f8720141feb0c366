"""`slugfit why PATH`: why a file of site-packages was removed or kept."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from slugfit.commands.context import Context


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a file or directory in site-packages")
    parser.add_argument(
        "--in", dest="root", metavar="DIR", type=Path, help="an app, or a site-packages directory"
    )


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.strip.category_reasons import reasons  # noqa: PLC0415
    from slugfit.strip.explain import explain, find  # noqa: PLC0415

    found = find(args.path, args.root, Path.cwd())
    context.output.step(found.path)
    for line in explain(found.path, found.site, found.journal, reasons()):
        context.output.detail(line)
    return 0
