"""PyTorch models: TorchScript, and torch.export programs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .adapters import RuntimeAdapter, by_name
from .tensors import InferenceSkipped, RuntimeTensor, shape_of

_UNKNOWN_OPERATOR = "Unknown builtin op: "


class _TorchAdapter(RuntimeAdapter):
    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.torch = importlib.import_module("torch")
        self.torch.set_num_threads(request["threads"])
        self.module: Any = None

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        if self.numpy is None:
            raise InferenceSkipped("the app has no numpy.")
        with self.torch.inference_mode():
            tensors = [self.torch.from_numpy(self.numpy.ascontiguousarray(a)) for a in arrays]
            outputs = by_name(self.module(*tensors))
        self.outputs = tuple(self._tensor(*each) for each in outputs.items())
        return [self._array(output) for output in outputs.values()]

    def _tensor(self, name: str, output: Any) -> RuntimeTensor:
        dtype = getattr(output, "dtype", type(output).__name__)
        return RuntimeTensor(name, str(dtype).removeprefix("torch."), None)

    def _array(self, output: Any) -> Any:
        if not isinstance(output, self.torch.Tensor):
            return self.numpy.asarray(output)
        if output.dtype == self.torch.bfloat16:  # numpy has none
            output = output.float()
        return output.numpy()


class TorchScriptAdapter(_TorchAdapter):
    """TorchScript has the names of its inputs, but not their shapes and dtypes."""

    def load(self, file: str) -> None:
        try:
            self.module = self.torch.jit.load(file, map_location="cpu")
        except RuntimeError as error:
            # Importing a package, as the app does, registers its operators.
            package = str(error).partition(_UNKNOWN_OPERATOR)[2].partition("::")[0].strip()
            if not package.isidentifier():
                raise
            with suppress(ModuleNotFoundError):
                importlib.import_module(package)
            self.module = self.torch.jit.load(file, map_location="cpu")
        self.module.eval()
        _, *arguments = self.module.forward.schema.arguments
        self.inputs = tuple(
            RuntimeTensor(a.name, str(a.type), None) for a in arguments if not a.has_default_value()
        )


class TorchExportAdapter(_TorchAdapter):
    """A torch.export program. Its inputs are those of the export."""

    def load(self, file: str) -> None:
        program = self.torch.export.load(file)
        self.module = program.module()
        names = set(program.graph_signature.user_inputs)
        nodes = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in names]
        self.inputs = tuple(self._input(node) for node in nodes)

    def _input(self, node: Any) -> RuntimeTensor:
        value = node.meta.get("val")
        if not hasattr(value, "shape"):
            return RuntimeTensor(node.name, type(value).__name__, None)
        return RuntimeTensor(
            node.name, str(value.dtype).removeprefix("torch."), shape_of(value.shape)
        )
