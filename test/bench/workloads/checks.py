"""What the workloads have in common: checks, run one by one, and a Flask app that answers with one.

Each workload is a small app, `<stack>_app.py`: what it imports, at its top, is what an app of its
stack starts with. Run as a program, it prints what came of its checks as a JSON object.
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
    """Run all checks, print what each said where it failed, and end the process."""
    results = {check.__name__: _failure(check) for check in checks}
    sys.stdout.write(f"{json.dumps(results)}\n")
    sys.exit(any(results.values()))


def _failure(check):
    try:
        check()
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return None
