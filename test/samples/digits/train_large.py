"""A network like that of digits.h5, and larger, for `make bench-models`. Two Pythons run it:

python models_train.py images IMAGES.npz              one with scikit-learn
python models_train.py network IMAGES.npz FOLDER      one with TensorFlow
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from held_out import as_batch, held_images

SEED = 20260
EPOCHS = 20
DARKEST = 16


def images(file: str) -> None:
    """Write the images that models are trained on, and their labels."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 (only this Python has it)
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    digits = load_digits()
    split = train_test_split(
        digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=SEED
    )
    np.savez_compressed(file, images=as_batch(split[0]), labels=split[2])


def network(file: str, folder: str) -> None:
    """Write digits.h5, and what it makes of the held-out images."""
    import tensorflow as tf  # noqa: PLC0415 (only this Python has it)

    tf.keras.utils.set_random_seed(SEED)
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input(shape=(8, 8, 1)),
            layers.Rescaling(1 / DARKEST),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(128, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(192, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    data = np.load(file)
    model.fit(data["images"], data["labels"], batch_size=64, epochs=EPOCHS, verbose=0)
    model.save(Path(folder, "digits.h5"), include_optimizer=False)

    held = as_batch(held_images())
    np.savez_compressed(Path(folder, "inputs.npz"), image=held)
    np.savez_compressed(Path(folder, "expected.npz"), scores=model.predict(held, verbose=0))


if __name__ == "__main__":
    {"images": images, "network": network}[sys.argv[1]](*sys.argv[2:])
