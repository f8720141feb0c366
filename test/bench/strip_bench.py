"""One stack, and what each tool makes of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.measure import Run, run
from bench.strip_memory import Peak, watch
from bench.strip_snapshots import Entry, importable, snapshot, without_times
from bench.strip_stacks import Installed, key
from bench.strip_sweep import Answers, Environment, broken, modules, sweep
from bench.strip_tools import Tool
from bench.strip_trials import Outcome, Outcomes, failures, try_out
from slugfit.local.slug_archive import pack
from support.paths import SHARED_CACHE

BASELINES = SHARED_CACHE / "bench" / "strip"
# Whoever changes what a sweep or a trial is, changes this.
EDITION = 1


@dataclass(frozen=True)
class Size:
    """Bytes of a site-packages: as `tar` and `gzip -6` pack it, and unpacked."""

    compressed: int
    raw: int


@dataclass(frozen=True)
class Baseline:
    """A stack before anything is stripped: its size, the modules that import, what works."""

    size: Size
    imported: tuple[str, ...]
    not_imported: int
    outcomes: Outcomes


@dataclass(frozen=True)
class Result:
    """What a tool made of a stack. Times are by round; those without a cache have no warm ones."""

    tool: Tool
    size: Size
    cold: Sequence[Run]
    warm: Sequence[Run] = ()
    peak: Peak | None = None
    # Of those modules whose file is still there.
    swept: int | None = None
    broken: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    # What a rebuild does not, or does to files that are not its own.
    vices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kit:
    """Where a bench works: a directory, and the variables of who runs it."""

    scratch: Path
    environ: Mapping[str, str]

    @property
    def booted(self) -> Path:
        """Slugfit's cache before its first strip."""
        return self.scratch / "booted"

    @property
    def cache(self) -> Path:
        """Slugfit's cache."""
        return self.scratch / "cache"

    def forget(self) -> None:
        """Make Slugfit's cache what it was before its first strip."""
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.copytree(self.booted, self.cache, symlinks=True)

    @property
    def variables(self) -> dict[str, str]:
        """What every tool gets."""
        return {"PATH": self.environ["PATH"], "HOME": str(self.scratch), "LANG": "C.UTF-8"}

    @property
    def slugfits(self) -> dict[str, str]:
        """What Slugfit gets."""
        return {**self.variables, "SLUGFIT_CACHE_DIR": str(self.cache)}


class StackBench:
    """Measures tools on one stack."""

    def __init__(self, stack: Installed, kit: Kit, *, sweeping: bool) -> None:
        self._stack, self._kit, self._sweeping = stack, kit, sweeping
        self._swept: dict[str, Answers] = {}
        self._before = snapshot(stack.root)
        self.baseline = self._baseline()

    def measure(self, tool: Tool, rounds: int) -> Result:
        """Let a tool strip copies of the stack, and look what is left of it."""
        _note(f"{self._stack.stack}: {tool.name}")
        result = self._slugfit(tool, rounds) if tool.is_slugfit else self._other(tool, rounds)
        if snapshot(self._stack.root) != self._before:
            raise RuntimeError(f"{tool.name} wrote to files that others share")
        return result

    def _other(self, tool: Tool, rounds: int) -> Result:
        runs = []
        for _ in range(rounds - 1):
            with self._stack.copy(linked=False) as copy:
                runs.append(_run(tool, copy, self._kit.variables))
        with self._stack.copy(linked=False) as copy:
            runs.append(_run(tool, copy, self._kit.variables))
            return self._look(tool, copy, cold=runs)

    def _slugfit(self, tool: Tool, rounds: int) -> Result:
        warm: list[Run] = []
        cold: list[Run] = []
        for _ in range(rounds):
            self._kit.forget()
            with self._stack.copy(linked=True) as first:
                cold.append(_run(tool, first, self._kit.slugfits))
                made = snapshot(first.site)
            with self._stack.copy(linked=True) as second:
                warm.append(_run(tool, second, self._kit.slugfits))
                vices = self._vices(tool, second, made)
                if len(warm) == rounds:
                    peak = self._peak(tool)
                    return self._look(tool, second, cold=cold, warm=warm, peak=peak, vices=vices)
        raise ValueError("rounds must be positive")

    def _vices(self, tool: Tool, second: Installed, made: tuple[Entry, ...]) -> tuple[str, ...]:
        vices = []
        warm = snapshot(second.site)
        if without_times(warm) != without_times(made):
            vices.append("a warm run leaves other files than a cold one")
        if tool.timed:
            _run(tool, second, self._kit.slugfits)
            if snapshot(second.site) != warm:
                vices.append("a second run on the same tree changes it")
        return tuple(vices)

    def _peak(self, tool: Tool) -> Peak | None:
        if not tool.timed:
            return None
        self._kit.forget()
        with self._stack.copy(linked=True) as copy:
            return watch(tool.command(copy), self._kit.slugfits)

    def _look(self, tool: Tool, copy: Installed, **measured: object) -> Result:
        environment = self._environment(copy)
        with ThreadPoolExecutor(2) as pool:
            size = pool.submit(self._size, copy)
            outcomes = pool.submit(try_out, copy, environment)
        answers = self._answers(copy)
        return Result(
            tool,
            size.result(),
            **measured,  # type: ignore[arg-type] # the fields that the callers name
            swept=None if answers is None else len(answers),
            broken={} if answers is None else broken(answers, environment),
            failures=failures(self.baseline.outcomes, outcomes.result()),
        )

    def _answers(self, copy: Installed) -> Answers | None:
        if not self._sweeping:
            return None
        left = importable(snapshot(copy.site))
        if left not in self._swept:
            there = modules(copy.site)
            names = [name for name in self.baseline.imported if name in there]
            self._swept[left] = sweep(names, self._environment(copy))
        return self._swept[left]

    def _size(self, stack: Installed) -> Size:
        slug = pack(stack.site, self._kit.scratch / "slug")
        slug.path.unlink()
        return Size(slug.compressed_bytes, slug.raw_bytes)

    def _environment(self, stack: Installed) -> Environment:
        return Environment(stack.python, self._kit.variables)

    def _baseline(self) -> Baseline:
        """Return what is known of the stack, or find it out."""
        known = BASELINES / f"{self._stack.stack}-{key(self._stack.stack)}-{EDITION}.json"
        if not known.exists():
            _note(f"{self._stack.stack}: before")
            BASELINES.mkdir(parents=True, exist_ok=True)
            made = asdict(self._find_out())
            unfinished = known.with_suffix(".new")
            unfinished.write_text(json.dumps(made, indent=1))
            unfinished.rename(known)
        told = json.loads(known.read_text())
        outcomes = {name: Outcome(**outcome) for name, outcome in told["outcomes"].items()}
        imported = tuple(told["imported"])
        return Baseline(Size(**told["size"]), imported, told["not_imported"], outcomes)

    def _find_out(self) -> Baseline:
        environment = self._environment(self._stack)
        answers = sweep(modules(self._stack.site), environment)
        imported = tuple(name for name, said in sorted(answers.items()) if said is None)
        outcomes = try_out(self._stack, environment)
        return Baseline(self._size(self._stack), imported, len(answers) - len(imported), outcomes)


def _run(tool: Tool, copy: Installed, variables: Mapping[str, str]) -> Run:
    # What copying has left to write is not the tool's.
    os.sync()
    return run(tool.command(copy), variables)


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
