"""`make bench-models`: one Keras model, served by TensorFlow as it is, and by TFLite, quantized."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.documented import add_write, document
from bench.machine import Others, describe
from bench.results import say
from bench.strip_stacks import install
from support.digits import held_out
from support.fixtures import BUCKET
from support.heroku import App
from support.paths import DIGITS, SHARED_CACHE
from support.s3 import S3Server

TFLITE, TENSORFLOW = "flask_tflite_from_keras", "flask_tensorflow"
# The steps of a build that are not about models.
OTHER_STEPS = {"settings", "plan", "dependencies", "strip", "measure", "report"}
SHARE, AGREEMENT, SECONDS = 1 / 8, 0.99, 1.0
TRAIN = DIGITS / "train_large.py"


@dataclass(frozen=True)
class Served:
    """An app that was built twice, and answered: seconds, bytes, digits."""

    first: float
    again: float
    models_again: float
    before_strip: int
    compressed: int
    unpacked: int
    boot: float
    answers: Sequence[int]
    gain: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.models", description=__doc__)
    add_write(parser)
    arguments = parser.parse_args()
    others = Others()
    say("# `make bench-models`", "", *(f"- {fact}" for fact in describe()))
    network = trained()
    say(f"- digits.h5: {(network / 'digits.h5').stat().st_size / 1e6:.2f} MB", "")
    with S3Server() as s3:
        s3.create_bucket(BUCKET)
        s3.put(BUCKET, "digits/digits.h5", network / "digits.h5")
        served = {fixture: serve(fixture, network, s3) for fixture in (TENSORFLOW, TFLITE)}
    say(*table(served), "", *bars(served), "", served[TFLITE].gain)
    say("", f"All this time {others.share}.")
    if arguments.write:
        document("bench-models", [*table(served), "", served[TFLITE].gain])


def trained() -> Path:
    """Return the folder with the network and its check data, made now unless it was before."""
    key = hashlib.sha256(TRAIN.read_bytes()).hexdigest()[:12]
    folder = SHARED_CACHE / "bench" / f"digits-{key}"
    if not (folder / "expected.npz").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        images = folder / "images.npz"
        _run(install("sklearn").python, "images", images)
        _run(install("tensorflow").python, "network", images, folder)
    return folder


def _run(python: Path, *arguments: str | Path) -> None:
    done = subprocess.run([python, TRAIN, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def serve(fixture: str, network: Path, s3: S3Server) -> Served:
    """Build an app twice, boot it, and ask it for all held-out digits."""
    with App(fixture, config=s3.config) as app:
        _take(app.source_dir, network)
        first, again = _timed(app), _timed(app)
        report = json.loads((app.build_dir / ".slugfit" / "report.json").read_text())
        steps = report["durations"].items()
        models_again = sum(seconds for step, seconds in steps if step not in OTHER_STEPS)
        begin = time.monotonic()
        app.boot()
        boot = time.monotonic() - begin
        gain = re.search(r"digits\.h5 .* → .*", app.output)
        return Served(
            first=first,
            again=again,
            models_again=models_again,
            before_strip=report["slug"]["before_strip"]["compressed_bytes"],
            compressed=app.slug.compressed_bytes,
            unpacked=app.slug.raw_bytes,
            boot=boot,
            answers=[_ask(app, digit["image"]) for digit in held_out()],
            gain=gain[0] if gain else "",
        )


def _take(source: Path, network: Path) -> None:
    """Have the app take the larger network: its content, and what it answers."""
    settings = source / "slugfit.toml"
    sha256 = hashlib.sha256((network / "digits.h5").read_bytes()).hexdigest()
    settings.write_text(re.sub(r"\b[0-9a-f]{64}\b", sha256, settings.read_text()))
    for file in (source / "check").glob("*.npz"):
        shutil.copyfile(network / file.name, file)


def _timed(app: App) -> float:
    begin = time.monotonic()
    app.push()
    return time.monotonic() - begin


def _ask(app: App, image: Sequence[Sequence[int]]) -> int:
    answer: dict[str, int] = app.post("/predict", json={"image": image}).json()
    return answer["digit"]


def table(served: Mapping[str, Served]) -> list[str]:
    """Return the table: a line for each app."""
    sizes = ("before strip", "slug", "unpacked")
    columns = ("app", *sizes, "first build", "next build", "its models", "boot", "right")
    labels = [digit["label"] for digit in held_out()]
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    for fixture, app in served.items():
        right = sum(map(int.__eq__, app.answers, labels))
        cells = (
            f"`{fixture}`",
            *(f"{n / 1e6:.1f} MB" for n in (app.before_strip, app.compressed, app.unpacked)),
            *(f"{app.first:.0f} s", f"{app.again:.0f} s", f"{app.models_again:.2f} s"),
            *(f"{app.boot:.1f} s", f"{right} of {len(labels)}"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def bars(served: Mapping[str, Served]) -> list[str]:
    """Return a line for each bar that is set."""
    lite, full = served[TFLITE], served[TENSORFLOW]
    share, without = (lite.compressed / n for n in (full.compressed, full.before_strip))
    same = [a == b for a, b in zip(lite.answers, full.answers, strict=True)]
    agreement = same.count(True) / len(same)
    held = {
        f"TFLite's slug is 1/{1 / share:.1f} of TensorFlow's (1/8)": share <= SHARE,
        f"{agreement:.1%} of the answers are the same (99 %)": agreement >= AGREEMENT,
        f"the next build's models take {lite.models_again:.2f} s (1 s)": (
            lite.models_again < SECONDS
        ),
    }
    verdicts = [f"- {bar}: {'held' if is_held else 'NOT HELD'}." for bar, is_held in held.items()]
    return [*verdicts, f"- It is 1/{1 / without:.1f} of TensorFlow's before Slugfit strips that."]


if __name__ == "__main__":
    main()
