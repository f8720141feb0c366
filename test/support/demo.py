"""`make demo`: the whole road, from a model in object storage to a prediction from a dyno."""

from __future__ import annotations

import json
import sys
import time

from support.heroku import App
from support.paths import DIGITS
from support.s3 import S3Server

BUCKET, KEY = "slugfit-models", "digits/digits.tflite"
SHADES = " .:-=+*#@"


def main() -> None:
    say("Starting an S3 server on this machine, and uploading a model to it")
    with S3Server() as s3:
        s3.create_bucket(BUCKET)
        s3.put(BUCKET, KEY, DIGITS / "digits.tflite")
        with App("flask_tflite", config=s3.config, echo=sys.stdout) as app:
            first = build("Building the app, as `git push heroku main` does", app, s3)
            say("Booting a dyno from the slug, and asking it for a digit")
            ask(app)
            again = build("Building it again: nothing has changed", app, s3)
    say(f"First build: {first:.0f} s. Second build: {again:.0f} s. Nothing was left running.")


def build(title: str, app: App, s3: S3Server) -> float:
    """Build, and tell how long it took and what the store saw of it."""
    say(title)
    s3.forget_requests()
    begin = time.monotonic()
    app.push()
    seconds = time.monotonic() - begin
    print(f"\nThat took {seconds:.1f} s and {len(s3.requests)} request(s) to S3.")
    return seconds


def ask(app: App) -> None:
    sample = json.loads((DIGITS / "held_out.json").read_text())[0]
    draw(sample["image"])
    answer = app.post("/predict", json={"image": sample["image"]})
    print(f"POST /predict -> {answer.status} {answer.text.strip()}")
    if answer.json()["digit"] != sample["label"]:
        sys.exit(f"The digit is a {sample['label']}: the app answers wrong.")


def draw(image: list[list[int]]) -> None:
    for row in image:
        print("    " + "".join(2 * SHADES[value // 2] for value in row))


def say(text: str) -> None:
    print(f"\n\033[1m=== {text}\033[0m\n", flush=True)


if __name__ == "__main__":
    main()
