"""Train digits.h5 and digits.keras: one network, as Keras 2 and as Keras 3 write it down.

Apps of 2026 hold both: .h5 files from Keras 2, which most people's training was, and .keras files.
Keras 3 reads either; Keras 2 does not read what Keras 3 has written. To make them again, with
CPython 3.11, from this folder:

    python3.11 -m venv /tmp/keras-2 && python3.11 -m venv /tmp/keras-3
    /tmp/keras-2/bin/pip install tensorflow-cpu==2.15.1 scikit-learn==1.3.2 numpy==1.26.4
    /tmp/keras-3/bin/pip install tensorflow-cpu==2.21.0
    /tmp/keras-2/bin/python train_keras.py
    /tmp/keras-3/bin/python train_keras.py --again

The first run trains, for some 20 seconds, and writes digits.h5 and the check data of
test/fixtures/flask_tflite_from_keras: the held-out images, and what the network makes of them. The
second reads digits.h5 and writes digits.keras. The network is small so that it can be committed;
test/bench/models.py trains a larger one.

    accuracy            98.61% (355 of 360)

See train.py for the images and for held_out.json.
"""

from __future__ import annotations

import sys

import tensorflow as tf
from held_out import HERE, as_batch, held_images, held_labels, percent, write_check

SEED = 20260
EPOCHS = 40
DARKEST = 16
FIXTURE = "flask_tflite_from_keras"


def train() -> None:
    # What only the training needs.
    from sklearn.datasets import load_digits  # noqa: PLC0415
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    digits = load_digits()
    images, _, labels, _ = train_test_split(
        digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=SEED
    )
    model = build_model()
    model.fit(as_batch(images), labels, batch_size=32, epochs=EPOCHS, verbose=0)
    # Without the optimizer's state, which is twice as large as the network.
    model.save(HERE / "digits.h5", include_optimizer=False)

    scores = model.predict(as_batch(held_images()), verbose=0)
    write_check(FIXTURE, as_batch(held_images()), scores)
    print(f"accuracy            {percent(scores.argmax(axis=1) == held_labels())}")


def write_again() -> None:
    model = tf.keras.models.load_model(HERE / "digits.h5", compile=False)
    model.save(HERE / "digits.keras")


def build_model() -> tf.keras.Model:
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input(shape=(8, 8, 1)),
            layers.Rescaling(1 / DARKEST),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
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


if __name__ == "__main__":
    write_again() if "--again" in sys.argv else train()
