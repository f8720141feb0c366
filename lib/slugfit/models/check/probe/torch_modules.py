"""What torch has saved to be run: TorchScript, and exported programs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .runtimes import Runtime, named
from .tensors import NotTried, Tensor, shape_of

_UNKNOWN_OPERATOR = "Unknown builtin op: "


class _Torch(Runtime):
    def __init__(self, asked: Mapping[str, Any]) -> None:
        super().__init__(asked)
        self.torch = importlib.import_module("torch")
        self.torch.set_num_threads(asked["threads"])
        self.module: Any = None

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        if self.numpy is None:
            raise NotTried("the app has no numpy.")
        with self.torch.inference_mode():
            tensors = [self.torch.from_numpy(self.numpy.ascontiguousarray(a)) for a in arrays]
            answers = named(self.module(*tensors))
        self.outputs = tuple(self._tensor(*each) for each in answers.items())
        return [self._array(answer) for answer in answers.values()]

    def _tensor(self, name: str, answer: Any) -> Tensor:
        dtype = getattr(answer, "dtype", type(answer).__name__)
        return Tensor(name, str(dtype).removeprefix("torch."), None)

    def _array(self, answer: Any) -> Any:
        if not isinstance(answer, self.torch.Tensor):
            return self.numpy.asarray(answer)
        if answer.dtype == self.torch.bfloat16:  # numpy has none
            answer = answer.float()
        return answer.numpy()


class Script(_Torch):
    """TorchScript knows the names of its inputs, and not what they look like."""

    def load(self, file: str) -> None:
        try:
            self.module = self.torch.jit.load(file, map_location="cpu")
        except RuntimeError as error:
            # Operators of another package are there once it is imported, as the app does.
            package = str(error).partition(_UNKNOWN_OPERATOR)[2].partition("::")[0].strip()
            if not package.isidentifier():
                raise
            with suppress(ModuleNotFoundError):
                importlib.import_module(package)
            self.module = self.torch.jit.load(file, map_location="cpu")
        self.module.eval()
        _, *arguments = self.module.forward.schema.arguments
        self.inputs = tuple(
            Tensor(a.name, str(a.type), None) for a in arguments if not a.has_default_value()
        )


class Exported(_Torch):
    """A program of torch.export, with the inputs that it was exported with."""

    def load(self, file: str) -> None:
        program = self.torch.export.load(file)
        self.module = program.module()
        names = set(program.graph_signature.user_inputs)
        nodes = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in names]
        self.inputs = tuple(self._input(node) for node in nodes)

    def _input(self, node: Any) -> Tensor:
        value = node.meta.get("val")
        if not hasattr(value, "shape"):
            return Tensor(node.name, type(value).__name__, None)
        return Tensor(node.name, str(value.dtype).removeprefix("torch."), shape_of(value.shape))
