"""bin/slugfit: Slugfit outside a build.

A command is a file beside this one, and a line in COMMANDS. The file has
`add_arguments(parser)` and `run(args, context)`, which returns the exit code. At its top it
imports the ground floor alone: `run` imports the rest once `context.dependencies` has provided
what that runs on. The help is there at once, and without a network.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from slugfit import VERSION
from slugfit.base.errors import Failure
from slugfit.base.output import Output, Redactor
from slugfit.base.signals import end_as_failures_do, ended_by
from slugfit.commands.abort import Unexpected
from slugfit.commands.context import Context
from slugfit.helper.dependencies import Dependencies

COMMANDS = {
    "build": "build an app on this machine as Heroku would",
    "check": "compare the predicted slug with its budget, for CI",
    "fetch": "fetch a model as a build would: verified, and resumed if interrupted",
    "lock": "write slugfit.lock, which pins the content of an app's models",
    "predict": "predict the slug's size in seconds, before anything is installed",
    "report": "show the contents of a built slug as a table, an HTML map, Markdown or JSON",
    "slim": "strip a site-packages directory, and verify that it still works",
    "why": "explain why a file of site-packages was removed or kept",
}
_FAILED = 1


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """0; 1 when the command failed and said why; 2 on wrong usage."""
    end_as_failures_do()
    args = _parser(arguments).parse_args(arguments)
    context = _context(environ)
    try:
        return int(args.run(args, context))
    except SystemExit:
        context.output.clear()
        raise
    except BrokenPipeError:
        # The reader has closed the pipe: what is still buffered must not fail, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except Exception as error:
        if status := ended_by():
            return status
        failure = error if isinstance(error, Failure) else Unexpected("command", error)
        context.output.failure(failure)
        return _FAILED
    finally:
        context.dependencies.discard()


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Knows the arguments of the command that is named, and of the others the names."""
    parser = argparse.ArgumentParser(prog="slugfit", description="Slugfit outside a build.")
    parser.add_argument("--version", action="version", version=f"slugfit {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        if name in arguments[:1]:
            module = import_module(f"slugfit.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _context(environ: Mapping[str, str]) -> Context:
    output = Output(sys.stdout, sys.stderr, Redactor())
    cache = _cache(environ)
    dependencies = Dependencies(cache, environ, output, provisional=False)
    return Context(environ, output, dependencies, cache)


def _cache(environ: Mapping[str, str]) -> Path:
    """SLUGFIT_CACHE_DIR, or slugfit in the user's directory for caches."""
    if own := environ.get("SLUGFIT_CACHE_DIR"):
        return Path(own).absolute()
    caches = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or "~", ".cache")
    return Path(caches, "slugfit").expanduser()
