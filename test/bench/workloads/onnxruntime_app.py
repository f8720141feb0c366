"""An ONNX model, made byte by byte and run."""

import numpy as np
import onnxruntime
from checks import run, serve

FLOAT = 1
WIDTH = 4


def infer():
    session = onnxruntime.InferenceSession(model("Add"), providers=["CPUExecutionProvider"])
    x, y = np.arange(WIDTH, dtype=np.float32), np.ones(WIDTH, np.float32)
    (z,) = session.run(None, {"x": x, "y": y})
    assert (z == x + y).all()
    return z


def profile():
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(model("Mul"), options)
    binding = session.io_binding()
    for name in ("x", "y"):
        binding.bind_cpu_input(name, np.full(WIDTH, 3, np.float32))
    binding.bind_output("z")
    session.run_with_iobinding(binding)
    assert (binding.copy_outputs_to_cpu()[0] == 9).all()


def describe():
    assert "CPUExecutionProvider" in onnxruntime.get_available_providers()
    session = onnxruntime.InferenceSession(model("Add"))
    assert [given.name for given in session.get_inputs()] == ["x", "y"]


def model(operation):
    """Return a ModelProto: z = operation(x, y), vectors of floats."""
    node = text(1, "x") + text(1, "y") + text(2, "z") + text(4, operation)
    values = (nested(11, value("x")), nested(11, value("y")), nested(12, value("z")))
    graph = nested(1, node) + text(2, "graph") + b"".join(values)
    return number(1, 8) + nested(7, graph) + nested(8, number(2, 17))


def value(name):
    shape = nested(1, number(1, WIDTH))
    return text(1, name) + nested(2, nested(1, number(1, FLOAT) + nested(2, shape)))


def nested(field, content):
    assert len(content) < 2**14
    size = [len(content)] if len(content) < 128 else [len(content) & 127 | 128, len(content) >> 7]
    return bytes([field << 3 | 2, *size]) + content


def text(field, content):
    return nested(field, content.encode())


def number(field, content):
    return bytes([field << 3, content])


CHECKS = (infer, profile, describe)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
