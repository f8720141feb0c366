"""Digits, recognised with TensorFlow Lite."""

from pathlib import Path

import numpy as np
from checks import run, serve
from tflite_runtime.interpreter import Interpreter

# That of the example app.
MODEL = Path(__file__).parents[2] / "models" / "digits" / "digits.tflite"


def infer():
    interpreter = Interpreter(model_path=str(MODEL), num_threads=2)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()
    interpreter.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(answer["index"]).shape


def calculate():
    matrix = np.random.default_rng(3).random((50, 50))
    assert np.allclose(matrix @ np.linalg.inv(matrix), np.eye(50))
    assert np.allclose(np.fft.ifft(np.fft.fft(matrix)).real, matrix)


CHECKS = (infer, calculate)
app = serve(CHECKS)

if __name__ == "__main__":
    run(CHECKS)
