"""Runs in a tool environment: `FORMAT MODEL INPUTS EXPECTED` prints how answers and .npz differ."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main(to: str, model: str, inputs: str, expected: str) -> None:
    np: Any = importlib.import_module("numpy")
    given, wanted = dict(np.load(inputs)), dict(np.load(expected))
    answers = {"tflite": tflite, "onnx": onnx, "torchscript": torchscript}[to](model, given, wanted)
    floats = [name for name, array in wanted.items() if array.dtype.kind == "f"]
    labels = [name for name in wanted if name not in floats]
    errors = [float(np.abs(answers[name] - wanted[name]).max()) for name in floats]
    same = [answers[n].argmax(-1) == wanted[n].argmax(-1) for n in floats]
    same += [answers[n] == wanted[n] for n in labels]
    found = {
        "samples": len(next(iter(wanted.values()))),
        "max_error": max(errors, default=0.0),
        "agreement": min(float(rows.mean()) for rows in same),
    }
    print(json.dumps(found))  # noqa: T201 (the answer)


def tflite(model: str, given: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    interpreter = importlib.import_module("tensorflow").lite.Interpreter(model)
    run = interpreter.get_signature_runner()
    np: Any = importlib.import_module("numpy")
    count = len(next(iter(given.values())))
    rows = [run(**{n: a[i : i + 1] for n, a in given.items()}) for i in range(count)]
    return {name: np.concatenate([row[name] for row in rows]) for name in wanted}


def onnx(model: str, given: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    session = importlib.import_module("onnxruntime").InferenceSession(model)
    return dict(zip(wanted, session.run(list(wanted), given), strict=True))


def torchscript(model: str, given: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    torch: Any = importlib.import_module("torch")
    with torch.no_grad():
        found = torch.jit.load(model)(*map(torch.from_numpy, given.values()))
    found = found if isinstance(found, tuple) else (found,)
    return {name: tensor.numpy() for name, tensor in zip(wanted, found, strict=True)}


if __name__ == "__main__":
    main(*sys.argv[1:])
