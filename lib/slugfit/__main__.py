"""What bin/ starts: `compile` for bin/compile, `tool` for bin/slugfit, and the arguments of either.

A script that any Python 3 understands, so that one that is too old is found out
without starting it twice.
"""

import os
import sys
from importlib import import_module

_LIB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_TOO_OLD = 1  # as of a Python that does not start: lib/boot.sh tells both alike


def _main(command: str, *arguments: str) -> int:
    if sys.version_info < (3, 10):  # noqa: UP036 (the one place that an older one reaches)
        return _look_for_another(arguments) if command == "tool" else _TOO_OLD
    sys.path.insert(0, _LIB)
    status: int = import_module("slugfit.commands." + command).main(arguments, os.environ)
    return status


def _look_for_another(arguments: "tuple[str, ...]") -> int:
    os.environ["SLUGFIT_FIRST_PYTHON"] = "too old"
    tool = os.path.join(os.path.dirname(_LIB), "bin", "slugfit")
    os.execv(tool, [tool, *arguments])  # noqa: S606 (no shell is what is wanted)


if __name__ == "__main__":
    _status = _main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking down what ends with the process anyway takes a tenth of a second.
    os._exit(_status)
