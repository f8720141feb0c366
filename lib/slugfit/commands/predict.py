"""`slugfit predict [APP]`: the size of the slug, before anything is installed."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from slugfit.base.heroku import DEFAULT_STACK, GLIBC
from slugfit.commands.context import Context

if TYPE_CHECKING:
    from slugfit.forecast.forecast import Prediction
    from slugfit.settings.model import Settings


def add_arguments(parser: ArgumentParser) -> None:
    add_question(parser)
    parser.add_argument("--json", action="store_true", help="print the forecast as data")


def add_question(parser: ArgumentParser) -> None:
    """The arguments that say which slug is meant: `check` and `build` have them, too."""
    parser.add_argument("app", metavar="APP", type=Path, nargs="?", default=Path())
    parser.add_argument("--python", metavar="X.Y", help="override the app's Python version")
    parser.add_argument("--stack", choices=sorted(GLIBC), default=DEFAULT_STACK)


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised."""
    settings, found = forecast(args, context)
    # What runs on the dependencies.
    from slugfit.report.forecast_text import document, show_prediction  # noqa: PLC0415

    if args.json:
        shown = context.output.redact.values(document(found, settings.budget))
        context.output.text(json.dumps(shown, indent=2) + "\n")
    else:
        show_prediction(found, settings.budget, context.output)
    return 0


def forecast(args: Namespace, context: Context) -> tuple[Settings, Prediction]:
    """The app's settings and the forecast. Raises a failure of either."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.fetch.clients import groups_for  # noqa: PLC0415
    from slugfit.forecast.forecast import PredictRequest, predict  # noqa: PLC0415
    from slugfit.forecast.uv import find_uv  # noqa: PLC0415
    from slugfit.helper.dependencies import Group  # noqa: PLC0415
    from slugfit.settings.arguments import outside_a_build  # noqa: PLC0415
    from slugfit.settings.config_vars import config_vars_from  # noqa: PLC0415
    from slugfit.settings.load import load  # noqa: PLC0415
    from slugfit.stores.registry import secrets_in  # noqa: PLC0415

    config_vars = config_vars_from(context.environ)
    context.output.redact.learn(secrets_in(config_vars))
    settings = outside_a_build(load(args.app, config_vars, context.environ.get))
    context.output.redact.learn(settings.secrets)
    context.dependencies.provide(Group.PREDICT, *groups_for(settings))
    question = PredictRequest(
        app=args.app.absolute(),
        stack=args.stack,
        python=args.python,
        settings=settings,
        uv=find_uv(),
        cache=context.cache / "forecast",
        environ=context.environ,
    )
    return settings, predict(question)
