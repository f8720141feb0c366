"""`slugfit check [APP]`: compares the predicted slug with its budget, in CI."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import replace
from pathlib import Path

from slugfit.base.sizes import parse_size
from slugfit.commands.context import Context
from slugfit.commands.predict import add_question, forecast

_EXIT_CODES = {"within": 0, "over": 1, "unknown": 3}


def add_arguments(parser: ArgumentParser) -> None:
    add_question(parser)
    parser.add_argument(
        "--budget",
        metavar="SIZE",
        type=_size,
        help="300MB; default: the app's budget.limit",
    )
    parser.add_argument(
        "--allow-unknown",
        action="store_true",
        help="exit with 0 where only what can't be counted may be over the budget",
    )
    parser.add_argument("--markdown", action="store_true", help="print it as Markdown")


def _size(text: str) -> int:
    size = parse_size(text)
    if not size:
        raise ArgumentTypeError("not a size, such as 300MB")
    return size


def run(args: Namespace, context: Context) -> int:
    """1 when the slug will be over, 3 when it can't tell, else 0; failures are raised.

    In GitHub Actions it also annotates the run, and adds to the job's summary.
    """
    settings, found = forecast(args, context)
    # What runs on the dependencies.
    from slugfit.report.forecast_text import (  # noqa: PLC0415
        markdown,
        show_check,
        verdict_line,
        verdict_of,
    )

    budget = settings.budget
    if args.budget:
        budget = replace(budget, limit=args.budget, warn=min(budget.warn, args.budget))
    verdict = verdict_of(found, budget.limit)
    output, environ = context.output, context.environ
    if args.markdown:
        output.text(markdown(found, budget))
    else:
        show_check(found, budget, output)
    if environ.get("GITHUB_ACTIONS") == "true" and verdict != "within":
        # Such a command may be indented.
        output.detail(f"::error title=Slugfit::{verdict_line(found, budget.limit)}")
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(output.redact(markdown(found, budget)))
    if verdict == "unknown" and args.allow_unknown:
        return 0
    return _EXIT_CODES[verdict]
