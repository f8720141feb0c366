"""What the workloads have in common: checks, run one by one, and a Flask app that answers with one.

Each workload is a small app, `<stack>_app.py`: what it imports, at its top, is what an app of its
stack starts with, and its first check is what it answers a request with. Run as a program, it
prints what came of its checks, or of the first alone, as a JSON object.
"""

import json
import sys

from flask import Flask, jsonify


def serve(checks):
    """Return an app that answers with what its first check returned."""
    app = Flask(__name__)

    @app.get("/")
    def answer():
        return jsonify(str(checks[0]()))

    return app


def run(checks):
    """Run the checks, print what each said where it failed, and end the process."""
    chosen = checks[:1] if sys.argv[1:] == ["first"] else checks
    results = {check.__name__: _failure(check) for check in chosen}
    sys.stdout.write(f"{json.dumps(results)}\n")
    sys.exit(any(results.values()))


def _failure(check):
    try:
        check()
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return None
