"""`slugfit lock [APP]`: pins the present content of an app's models."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from slugfit.commands.context import Context


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", type=Path, nargs="?", default=Path())


def run(args: Namespace, context: Context) -> int:
    """0; failures are raised, and leave the lock as it was."""
    context.dependencies.provide()
    # What runs on the dependencies.
    from slugfit.base.files import write_atomically  # noqa: PLC0415
    from slugfit.base.http import Network  # noqa: PLC0415
    from slugfit.fetch.clients import groups_for  # noqa: PLC0415
    from slugfit.fetch.lockfile import LOCK_FILE, write_lock  # noqa: PLC0415
    from slugfit.fetch.pin import pin_models  # noqa: PLC0415
    from slugfit.fetch.transfer.transfer import transfer_for  # noqa: PLC0415
    from slugfit.settings.arguments import outside_a_build  # noqa: PLC0415
    from slugfit.settings.config_vars import config_vars_from  # noqa: PLC0415
    from slugfit.settings.load import load  # noqa: PLC0415
    from slugfit.stores.registry import secrets_in  # noqa: PLC0415

    config_vars = config_vars_from(context.environ)
    context.output.redact.learn(secrets_in(config_vars))
    settings = outside_a_build(load(args.app, config_vars, context.environ.get))
    context.output.redact.learn(settings.secrets)
    context.dependencies.provide(*groups_for(settings))
    transfer = transfer_for(settings.fetch.deadline, Network.of(context.environ))
    locked = pin_models(settings, context.cache / "locking", transfer, context.output)
    write_atomically(args.app / LOCK_FILE, write_lock(locked).encode())
    context.output.step(f"Wrote {args.app / LOCK_FILE}: commit it")
    return 0
