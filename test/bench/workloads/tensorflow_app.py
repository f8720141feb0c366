"""A network: trained, saved, loaded, converted, in TensorFlow."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from checks import run, serve

CHANCE = np.random.default_rng(3)


def predict():
    return network().predict(CHANCE.random((2, 8, 8, 1)), verbose=0).shape


def train():
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = CHANCE.random((32, 8, 8, 1)), CHANCE.integers(0, 3, 32)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(32).batch(8)
    history = model.fit(dataset, epochs=2, verbose=0, validation_data=dataset)
    assert len(history.history["loss"]) == 2


def save_and_load():
    model, images = network(), CHANCE.random((2, 8, 8, 1))
    with tempfile.TemporaryDirectory() as directory:
        for name in ("model.keras", "model.h5"):
            model.save(Path(directory, name))
            again = tf.keras.models.load_model(Path(directory, name))
            assert np.allclose(model.predict(images, verbose=0), again.predict(images, verbose=0))


def export():
    with tempfile.TemporaryDirectory() as directory:
        network().export(directory, verbose=False)
        # It has to live as long as its function.
        loaded = tf.saved_model.load(directory)
        assert loaded.serve(tf.zeros((1, 8, 8, 1))).shape == (1, 3)


def convert():
    converter = tf.lite.TFLiteConverter.from_keras_model(network())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.invoke()


def compile_function():
    @tf.function(jit_compile=True)
    def squares(x):
        return tf.reduce_sum(x * x)

    with tf.GradientTape() as tape:
        x = tf.Variable([1.0, 2.0])
        y = squares(x)
    assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]


def process_images_and_texts():
    image = tf.image.resize(
        tf.io.decode_png(tf.io.encode_png(tf.zeros((8, 8, 3), tf.uint8))), (4, 4)
    )
    assert image.shape == (4, 4, 3)
    words = tf.keras.layers.TextVectorization()
    words.adapt(["a cat", "a dog"])
    assert words(["a cat"]).shape == (1, 2)
    assert tf.signal.stft(tf.zeros(512), 128, 64).shape[-1] == 65


def network():
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


CHECKS = (
    predict,
    train,
    save_and_load,
    export,
    convert,
    compile_function,
    process_images_and_texts,
)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
