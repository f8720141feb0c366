"""Imports modules in a tree of forks. Run by the Python whose packages are tried, as a file.

To import a.b.c, a fresh Python imports a, then a.b, then a.b.c. So the process that imports a.b.c
here is a fork of one that has imported a and a.b, and nothing else: what it finds is what a fresh
one finds, for a fraction of the time.

The names come on standard input, one a line. Each answer is a line of JSON in the file that is
named first: a module's name, and null or what Python said. Who dies or hangs, or takes the
process down, gives no answer; the second argument is the number of seconds until one hangs.
"""

import importlib
import json
import os
import signal
import sys
from typing import Any

# Names by their parts: those of a package below that of the package.
Tree = dict[str, Any]


def main() -> None:
    path, seconds = sys.argv[1:]
    names = sys.stdin.read().split()
    report = os.open(path, os.O_WRONLY | os.O_APPEND)
    Importer(frozenset(names), float(seconds), report).descend("", tree(names))


def tree(names: list[str]) -> Tree:
    """Return the names as a dictionary of dictionaries, by parts."""
    root: Tree = {}
    for name in names:
        node = root
        for part in name.split("."):
            node = node.setdefault(part, {})
    return root


class Importer:
    """Imports the modules that are wanted, and their parents, and reports to a file."""

    def __init__(self, wanted: frozenset[str], seconds: float, report: int) -> None:
        self._wanted, self._seconds, self._report = wanted, seconds, report

    def descend(self, parent: str, children: Tree) -> None:
        """Import each child in a fork of its own, one after the other."""
        for part, grandchildren in children.items():
            child = os.fork()
            if child == 0:
                self._import(f"{parent}.{part}" if parent else part, grandchildren)
            os.waitpid(child, 0)

    def _import(self, name: str, children: Tree) -> None:
        said = self._try(name)
        if name in self._wanted:
            self._tell(name, said)
        if said is None:
            self.descend(name, children)
        else:
            # As in a fresh process: without a there is no a.b.
            self._tell_all(name, children, said)
        os._exit(0)

    def _try(self, name: str) -> str | None:
        # Nobody handles this signal: it ends the process, whatever that is waiting for.
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        try:
            importlib.import_module(name)
        except BaseException as error:
            return f"{type(error).__name__}: {error}".strip().split("\n")[0][:300]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return None

    def _tell_all(self, parent: str, children: Tree, said: str) -> None:
        for part, grandchildren in children.items():
            name = f"{parent}.{part}"
            if name in self._wanted:
                self._tell(name, said)
            self._tell_all(name, grandchildren, said)

    def _tell(self, name: str, said: str | None) -> None:
        os.write(self._report, f"{json.dumps([name, said])}\n".encode())


if __name__ == "__main__":
    main()
