"""Train digits.onnx: a scikit-learn network, written as ONNX.

To make it again, with CPython 3.11, from this folder:

    python3.11 -m venv /tmp/onnx
    /tmp/onnx/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.31.1
    /tmp/onnx/bin/python train_onnx.py

It takes some seconds, and writes the check data of test/fixtures/flask_onnx as well: the held-out
images, and what scikit-learn itself makes of them.

    accuracy            98.06% (353 of 360)

See train.py for the images and for held_out.json.
"""

from __future__ import annotations

import numpy as np
from held_out import HERE, held_images, held_labels, percent, write_check
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

SEED = 20260
FIXTURE = "flask_onnx"


def main() -> None:
    digits = load_digits()
    images, _, labels, _ = train_test_split(
        digits.data, digits.target, test_size=0.2, stratify=digits.target, random_state=SEED
    )
    network = MLPClassifier((128, 64), max_iter=400, random_state=SEED)
    model = make_pipeline(MinMaxScaler(), network).fit(images, labels)

    held = held_images().reshape(-1, 64).astype(np.float32)
    scores = model.predict_proba(held)
    write_check(FIXTURE, held, scores)

    image = [("image", FloatTensorType([None, 64]))]
    onnx = to_onnx(model, initial_types=image, options={"zipmap": False}, target_opset=17)
    # The label is the place of the largest score: the app needs no output of its own for it.
    onnx = select_model_inputs_outputs(onnx, outputs=["probabilities"])
    used = {name for node in onnx.graph.node for name in node.input}
    for constant in [each for each in onnx.graph.initializer if each.name not in used]:
        onnx.graph.initializer.remove(constant)
    (HERE / "digits.onnx").write_bytes(onnx.SerializeToString())
    print(f"accuracy            {percent(scores.argmax(axis=1) == held_labels())}")


if __name__ == "__main__":
    main()
