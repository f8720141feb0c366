"""Makes the models beside this file: small ones, each for one thing that a trial can meet.

python make.py tensorflow    where tensorflow-cpu 2.21 is installed
python make.py onnx          where onnx 1.23, scikit-learn and skl2onnx are
python make.py torch         where torch 2.13 is
"""

# ruff: noqa: PLC0415 (each part runs where its packages are installed)
import sys
from pathlib import Path

HERE = Path(__file__).parent


def tensorflow() -> None:
    """flex (an op of TensorFlow's own), two (inputs and outputs, in another order), int8."""
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras

    class Inverse(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.float32)])
        def inverse(self, x):
            return tf.linalg.inv(tf.linalg.diag(x[0] + 1.0))

    module = Inverse()
    concrete = [module.inverse.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(concrete, module)
    ops = tf.lite.OpsSet
    converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS, ops.SELECT_TF_OPS]
    (HERE / "flex.tflite").write_bytes(converter.convert())

    two, images = _two(HERE / "two")
    converter = tf.lite.TFLiteConverter.from_keras_model(two)
    (HERE / "two.tflite").write_bytes(converter.convert())

    one = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    converter = tf.lite.TFLiteConverter.from_keras_model(one)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (HERE / "int8.tflite").write_bytes(converter.convert())
    np.savez(HERE / "int8_inputs.npz", image=images)
    np.savez(HERE / "int8_outputs.npz", digit=one.predict(images, verbose=0))


def keras(directory: str) -> None:
    """The model of two.tflite as Keras and TensorFlow save it: made anew in each test."""
    two, _ = _two(Path(directory, "keras"))
    two.save(Path(directory, "two.keras"))
    two.save(Path(directory, "two.h5"))
    two.export(Path(directory, "two_saved_model"))


def _two(data):
    """A model with two inputs and outputs, and images; inputs and outputs of it are in `data`_*."""
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras

    tf.random.set_seed(0)
    random = np.random.default_rng(0)
    image, extra = keras.Input((8, 8, 1), name="image"), keras.Input((4,), name="extra")
    both = keras.layers.Concatenate()([keras.layers.Flatten()(image), extra])
    hidden = keras.layers.Dense(16, activation="relu")(both)
    digit = keras.layers.Dense(10, activation="softmax", name="digit")(hidden)
    size = keras.layers.Dense(1, name="size")(hidden)
    two = keras.Model([image, extra], [digit, size])
    images = random.random((20, 8, 8, 1), dtype="float32")
    extras = random.random((20, 4), dtype="float32")
    np.savez(f"{data}_inputs.npz", image=images, extra=extras)
    digits, sizes = two.predict([images, extras], verbose=0)
    np.savez(f"{data}_outputs.npz", output_0=digits, output_1=sizes)
    return two, images


def onnx() -> None:
    """Models of a node or two: fixed, newer than any runtime, with ops of nobody's, and so on."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    weights = numpy_helper.from_array(random.normal(size=(64, 10)).astype("float32"), "w")
    product = helper.make_node("MatMul", ["x", "w"], ["y"])

    def make(
        name, nodes, x=(TensorProto.FLOAT, ["n", 64]), y=(TensorProto.FLOAT, ["n", 10]), **more
    ):
        inputs = [helper.make_tensor_value_info("x", *x)]
        outputs = [helper.make_tensor_value_info("y", *y)]
        graph = helper.make_graph(nodes, "graph", inputs, outputs, [weights])
        opsets = [helper.make_opsetid("", more.get("opset", 17)), helper.make_opsetid("my.ops", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=more.get("ir", 8))
        save(model, HERE / f"{name}.onnx")

    float_, string, half = TensorProto.FLOAT, TensorProto.STRING, TensorProto.BFLOAT16
    make("any", [product])
    make("fixed", [product], (float_, [8, 64]), (float_, [8, 10]))
    make("opset", [product], opset=99)
    make("ir", [product], ir=99)
    make("custom", [helper.make_node("Mine", ["x"], ["y"], domain="my.ops")])
    make("string", [helper.make_node("Identity", ["x"], ["y"])], (string, ["n"]), (string, ["n"]))
    make("bfloat16", [helper.make_node("Cast", ["x"], ["y"], to=half)], y=(half, ["n", 64]))
    make("log", [helper.make_node("Log", ["x"], ["y"])], y=(float_, ["n", 64]))
    rows = random.normal(size=(200, 8)).astype("float32")
    classifier = LogisticRegression().fit(rows, (rows.sum(1) > 0).astype(int))
    (HERE / "classifier.onnx").write_bytes(to_onnx(classifier, rows[:1]).SerializeToString())
    np.savez(HERE / "classifier_inputs.npz", X=rows[:20])
    np.savez(
        HERE / "classifier_outputs.npz",
        output_label=classifier.predict(rows[:20]),
        output_probability=classifier.predict_proba(rows[:20]),
    )


def torch() -> None:
    """A traced module, and an exported program."""
    import torch

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(64, 10), torch.nn.Softmax(-1)).eval()
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 64)), HERE / "traced.pt")
    samples = {0: torch.export.Dim("samples")}
    program = torch.export.export(module, (torch.zeros(2, 64),), dynamic_shapes=(samples,))
    torch.export.save(program, HERE / "exported.pt2")


if __name__ == "__main__":
    makers = {"tensorflow": tensorflow, "keras": keras, "onnx": onnx, "torch": torch}
    makers[sys.argv[1]](*sys.argv[2:])
