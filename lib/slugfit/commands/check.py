"""`slugfit check [APP]`: compares the predicted slug with its budget, in CI."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from slugfit.base.sizes import parse_size
from slugfit.commands.context import Context
from slugfit.commands.predict import add_question, forecast

_OVER = 1


def add_arguments(parser: ArgumentParser) -> None:
    add_question(parser)
    parser.add_argument(
        "--budget",
        metavar="SIZE",
        type=_size,
        help="300MB; default: the app's budget.limit",
    )
    parser.add_argument("--markdown", action="store_true", help="print it as Markdown")


def _size(text: str) -> int:
    size = parse_size(text)
    if not size:
        raise ArgumentTypeError("not a size, such as 300MB")
    return size


def run(args: Namespace, context: Context) -> int:
    """1 when the slug will be over, else 0; failures are raised.

    In GitHub Actions it also annotates the run, and adds to the job's summary.
    """
    settings, found = forecast(args, context)
    # What runs on the dependencies.
    from slugfit.report.forecast_text import (  # noqa: PLC0415
        is_over,
        markdown,
        show_biggest,
        verdict,
    )

    limit = args.budget or settings.budget.limit
    over = is_over(found, limit)
    output, environ = context.output, context.environ
    if args.markdown:
        output.text(markdown(found, limit))
    else:
        show_biggest(found, output)
        output.step(verdict(found, limit))
    if environ.get("GITHUB_ACTIONS") == "true" and over:
        # Such a command may be indented.
        output.detail(f"::error title=Slugfit::{verdict(found, limit)}")
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(output.redact(markdown(found, limit)))
    return _OVER if over else 0
