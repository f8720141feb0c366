"""Train digits.tflite, the real model that Slugfit's tests and its example app serve.

To make it again, with CPython 3.11, from this folder:

    python3.11 -m venv /tmp/digits-venv
    /tmp/digits-venv/bin/pip install tensorflow-cpu==2.15.1 scikit-learn==1.3.2 numpy==1.26.4
    /tmp/digits-venv/bin/python train.py

It takes about 20 seconds on two cores. Two runs on the same machine wrote the same bytes:

    float accuracy      99.44% (358 of 360)
    quantized accuracy  99.44% (358 of 360)
    agreement           100.00% (360 of 360)
    digits.tflite       92024 bytes
    sha256              a66e4cc617b94fee816bb48e7bbedfea4af13ac85f0a7fc1c0fa839c65b67111

Another kind of CPU may round differently during training. Whoever commits a new model carries its
checksum to test/fixtures/flask_tflite/slugfit.toml too.

held_out.json has the 360 images the model never saw (`image`, 8 rows of 8 values, 0..16), each with
its `label` and what the float Keras model took it for (`float_prediction`): the reference that
tells damage done to the model on its way to a dyno from the mistakes it was born with.

TensorFlow is an old one on purpose: newer converters may write op versions that tflite-runtime
2.14.0, the last of its line, does not know. The model loads there and in ai-edge-litert 2.

Data: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, doi 10.24432/C50P49, licence CC BY 4.0; here the 1,797 images that scikit-learn
carries as `load_digits`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 20260
EPOCHS = 40
DARKEST = 16

Images = npt.NDArray[np.uint8]
Digits = npt.NDArray[np.int64]


def main() -> None:
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    train_images, held_images, train_labels, held_labels = split()
    model = build_model()
    model.fit(as_batch(train_images), train_labels, batch_size=32, epochs=EPOCHS, verbose=0)
    quantized = quantize(model, train_images)

    float_predictions = model.predict(as_batch(held_images), verbose=0).argmax(axis=1)
    quantized_predictions = predict_quantized(quantized, held_images)

    (HERE / "digits.tflite").write_bytes(quantized)
    (HERE / "held_out.json").write_text(
        json.dumps(
            [
                {"image": image.tolist(), "label": int(label), "float_prediction": int(prediction)}
                for image, label, prediction in zip(
                    held_images, held_labels, float_predictions, strict=True
                )
            ],
            separators=(",", ":"),
        )
        + "\n"
    )

    print(f"float accuracy      {percent(float_predictions == held_labels)}")
    print(f"quantized accuracy  {percent(quantized_predictions == held_labels)}")
    print(f"agreement           {percent(quantized_predictions == float_predictions)}")
    print(f"digits.tflite       {len(quantized)} bytes")
    print(f"sha256              {hashlib.sha256(quantized).hexdigest()}")


def split() -> tuple[Images, Images, Digits, Digits]:
    digits = load_digits()
    train_images, held_images, train_labels, held_labels = train_test_split(
        digits.images.astype(np.uint8),
        digits.target.astype(np.int64),
        test_size=0.2,
        stratify=digits.target,
        random_state=SEED,
    )
    return train_images, held_images, train_labels, held_labels


def build_model() -> tf.keras.Model:
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input(shape=(8, 8, 1)),
            # Inside the model, so that whoever calls it passes the data set's own 0..16.
            layers.Rescaling(1 / DARKEST),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def quantize(model: tf.keras.Model, train_images: Images) -> bytes:
    """Quantize weights and activations to int8; the input and output tensors stay float32."""

    def representative_dataset() -> Iterator[list[npt.NDArray[np.float32]]]:
        # One at a time: calibration runs at the model's serving shape, a batch of one.
        for image in train_images:
            yield [as_batch(image)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_dataset
    # Fails the conversion, instead of falling back to float, when an op has no int8 kernel.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    quantized: bytes = converter.convert()
    return quantized


def predict_quantized(model: bytes, images: Images) -> Digits:
    interpreter = tf.lite.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    pixels = interpreter.get_input_details()[0]["index"]
    scores = interpreter.get_output_details()[0]["index"]
    predictions = []
    for image in images:
        interpreter.set_tensor(pixels, as_batch(image))
        interpreter.invoke()
        predictions.append(interpreter.get_tensor(scores).argmax())
    return np.array(predictions, dtype=np.int64)


def as_batch(images: Images) -> npt.NDArray[np.float32]:
    return images.reshape(-1, 8, 8, 1).astype(np.float32)


def percent(hits: npt.NDArray[np.bool_]) -> str:
    return f"{hits.mean():.2%} ({hits.sum()} of {hits.size})"


if __name__ == "__main__":
    main()
