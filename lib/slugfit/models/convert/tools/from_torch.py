"""Converts TorchScript and torch.export programs to quantized TorchScript, or to ONNX."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from . import arrays, from_onnx
from .arrays import Arrays, ConversionRefused, InputTensor

_SCRIPT_OPSET = 17  # supported by every ONNX Runtime for Heroku's Pythons
_EXPORT_OPSET = 18  # the oldest that torch.onnx supports with dynamo
_SIDES = (8, 28, 32, 64, 224)  # of images
_RANDOM_SAMPLES = 16


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    torch: Any = importlib.import_module("torch")
    with torch.no_grad():
        model = _Exported(request) if request["format"] == "torch-export" else _Script(request)
        samples = model.samples(request)
        first = next(arrays.batches(samples, model.tensors, model.fewest))
        example = tuple(map(torch.from_numpy, first.values()))
        write = _to_onnx if request["to"] == "onnx" else _to_script
        names = write(request, model, example)

        def run(batch: Arrays) -> dict[str, Any]:
            outputs = model.predict(batch)
            named = names or [f"output_{number}" for number in range(len(outputs))]
            return dict(zip(named, outputs, strict=True))

        return arrays.record_outputs(request, model.tensors, run, samples)


class _Model:
    """`module` is callable; `fewest` is the number of samples in the example input."""

    fewest = 1
    module: Any
    tensors: list[InputTensor]

    def samples(self, request: Mapping[str, Any]) -> Arrays:
        return arrays.samples_for(request, self.tensors)

    def predict(self, batch: Arrays) -> list[Any]:
        torch: Any = importlib.import_module("torch")
        found = self.module(*(torch.from_numpy(array) for array in batch.values()))
        return [
            tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
            for tensor in _flat(found)
        ]


class _Script(_Model):
    """TorchScript has the names of its inputs, but not their shapes and dtypes."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        torch: Any = importlib.import_module("torch")
        self.module = torch.jit.load(request["source"], map_location="cpu").eval()
        _, *arguments = self.module.forward.schema.arguments
        self.tensors = [
            InputTensor(a.name, None, None) for a in arguments if not a.has_default_value()
        ]

    def samples(self, request: Mapping[str, Any]) -> Arrays:
        if request["input"] or request["representative"] or len(self.tensors) != 1:
            return super().samples(request)
        np = importlib.import_module("numpy")
        generator = np.random.default_rng(0)
        for shape in self._guesses():
            array = generator.standard_normal((_RANDOM_SAMPLES, *shape)).astype("float32")
            with suppress(Exception):  # wrong guess
                self.predict({"": array[:1]})
                return {self.tensors[0].name: array}
        raise ConversionRefused("data-needed", f"the model has the input {self.tensors[0]}")

    def _guesses(self) -> Iterator[tuple[int, ...]]:
        """Input shapes that the first weights suggest: rows of numbers, or images."""
        weights = next((p for p in self.module.parameters() if p.dim() > 1), None)
        if weights is not None and weights.dim() == 2:
            yield (weights.shape[1],)
        if weights is not None and weights.dim() == 4:
            yield from ((weights.shape[1], side, side) for side in _SIDES)


class _Exported(_Model):
    """A torch.export program. Its inputs are those of the export."""

    fewest = 2  # torch.export specializes dimensions of length one

    def __init__(self, request: Mapping[str, Any]) -> None:
        torch: Any = importlib.import_module("torch")
        named = os.path.join(request["work"], "model.pt2")
        os.symlink(request["source"], named)  # torch warns about other extensions
        self.program = torch.export.load(named)
        self.module = self.program.module()
        names = set(self.program.graph_signature.user_inputs)
        nodes = [n for n in self.program.graph.nodes if n.op == "placeholder" and n.name in names]
        self.tensors = [self._tensor(node.name, node.meta["val"]) for node in nodes]

    def _tensor(self, name: str, value: Any) -> InputTensor:
        return InputTensor(
            name, str(value.dtype).removeprefix("torch."), arrays.shape_of(value.shape)
        )


def _to_script(request: Mapping[str, Any], model: Any, example: tuple[Any, ...]) -> list[str]:
    torch: Any = importlib.import_module("torch")
    module = model.module
    if isinstance(model, _Exported):
        module = torch.jit.trace(module, example, check_trace=False)
    if request["quantize"] == "dynamic":
        tools: Any = importlib.import_module("torch.ao.quantization")
        module = tools.quantize_dynamic_jit(module, {"": tools.per_channel_dynamic_qconfig})
    torch.jit.save(module, request["result"])
    return []


def _to_onnx(request: Mapping[str, Any], model: Any, example: tuple[Any, ...]) -> list[str]:
    """Write the result. Returns the output names."""
    plain = request["result"]
    if request["quantize"] != "none":
        plain = os.path.join(request["work"], "plain.onnx")
    export = _export_program if isinstance(model, _Exported) else _export_script
    export(model, example, plain)
    inputs, outputs = from_onnx.open_model(plain)
    if plain != request["result"]:
        from_onnx.quantize(plain, request, inputs)
    return outputs


def _export_script(model: Any, example: tuple[Any, ...], file: str) -> None:
    torch: Any = importlib.import_module("torch")
    inputs = [tensor.name for tensor in model.tensors]
    outputs = [f"output_{number}" for number in range(len(_flat(model.module(*example))))]
    torch.onnx.export(
        model.module,
        example,
        file,
        input_names=inputs,
        output_names=outputs,
        dynamic_axes={name: {0: "samples"} for name in inputs + outputs},
        opset_version=_SCRIPT_OPSET,
        dynamo=False,
    )


def _export_program(model: Any, example: tuple[Any, ...], file: str) -> None:
    torch: Any = importlib.import_module("torch")
    program = torch.onnx.export(
        model.program, example, opset_version=_EXPORT_OPSET, dynamo=True, verbose=False
    )
    program.save(file)


def _flat(found: Any) -> list[Any]:
    """The tensors of an output, in order."""
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, Sequence):
        return [tensor for part in found for tensor in _flat(part)]
    return [found]
