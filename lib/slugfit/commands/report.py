"""`slugfit report [APP]`: the contents of a built slug as a table, a page, Markdown or JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from slugfit.commands.context import Context

_PAGE = "slug.html"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "app",
        metavar="APP",
        nargs="?",
        type=Path,
        help="an app that was built, or a site-packages directory (default: this directory)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--html",
        metavar="FILE",
        nargs="?",
        type=Path,
        const=Path(_PAGE),
        help=f"write a page with a map of all files (default: {_PAGE})",
    )
    form.add_argument("--markdown", action="store_true", help="for a pull request's comment")
    form.add_argument("--json", action="store_true", help="all numbers, as report.json has them")


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.base.files import write_atomically  # noqa: PLC0415
    from slugfit.base.sizes import format_size  # noqa: PLC0415
    from slugfit.report.log import show_slug, warn_of_size  # noqa: PLC0415
    from slugfit.report.report_source import open_report  # noqa: PLC0415

    app, file = _places(args.app, args.html)
    sight = open_report(app, context.cache)
    if args.markdown:
        from slugfit.report.markdown import markdown  # noqa: PLC0415

        context.output.text(markdown(sight.document))
    elif args.json:
        context.output.text(json.dumps(sight.document, indent=2) + "\n")
    elif file:
        page = sight.page()
        write_atomically(file, page)
        context.output.step(f"Wrote {file} ({format_size(len(page))})")
    else:
        show_slug(sight.slug, sight.budget, context.output)
        warn_of_size(sight.slug, sight.budget, context.output, sight.savings)
    return 0


def _places(app: Path | None, file: Path | None) -> tuple[Path, Path | None]:
    """The app, and the page to write. `--html APP` is what people type first."""
    if file and file.is_dir():
        return (app, file / _PAGE) if app else (file, Path(_PAGE))
    return app or Path(), file
