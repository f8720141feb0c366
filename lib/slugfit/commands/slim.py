"""`slugfit slim SITE_PACKAGES`: strips any tree, on a laptop or in a Dockerfile."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from slugfit.commands.context import Context


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("site", metavar="SITE_PACKAGES", type=Path)
    parser.add_argument(
        "--python", metavar="PYTHON", type=Path, help="the Python to import them with"
    )
    parser.add_argument("--app", metavar="DIR", type=Path, help="an app that uses the packages")
    parser.add_argument("--dry-run", action="store_true", help="show the result, change nothing")
    parser.add_argument("--level", choices=("safe", "max"), default="safe")
    parser.add_argument("--bytecode", choices=("keep", "boot", "drop"), default="keep")
    parser.add_argument("--keep", metavar="GLOB", action="append", default=[])
    parser.add_argument("--remove", metavar="GLOB", action="append", default=[])
    parser.add_argument("--smoke", metavar="COMMAND", help="exits with 0 when all works")


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised, and leave the tree as it was."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.report.log import show_strip  # noqa: PLC0415
    from slugfit.settings.model import StripSettings  # noqa: PLC0415
    from slugfit.strip.standalone import slim, target_for  # noqa: PLC0415

    settings = StripSettings(
        level=args.level,
        keep=tuple(args.keep),
        remove=tuple(args.remove),
        bytecode=args.bytecode,
        smoke=args.smoke,
    )
    target = target_for(args.site, args.python, args.app, context.environ)
    context.output.step(f"Stripping {args.site}")
    stripped = slim(target, settings, context.cache / "strip", dry_run=args.dry_run)
    show_strip(stripped, target.site, context.output)
    if args.dry_run:
        context.output.step("Nothing was changed: this was a dry run")
    return 0
