"""What of a Keras model's configuration is code, or makes Keras run some.

Decided on the parsed configuration, by what is known to be harmless: the classes of Keras itself,
but for those that take code or files. Keras looks up every other class, and every function, by
module and name. Source: keras/src/saving/serialization_lib.py and legacy/saving/serialization.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from slugfit.models.formats.reader import BrokenError, readable

MAX_BYTES = 16 << 20  # of JSON; that of a large model has 2 MB
UNREADABLE = "a configuration that can't be read completely"
_LONGEST_NAME = 80
# Keras under all its names, and the parts of it that only hold classes of models.
_PACKAGES = frozenset(("keras", "tf_keras", "tensorflow", "python", "src", "api", "_tf_keras"))
_PARTS = frozenset(
    (
        *("activations", "constraints", "dtype_policies", "engine", "initializers", "layers"),
        *("losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "quantizers"),
        *("random", "regularizers"),
    )
)
_TOP_LEVEL = frozenset(
    (
        *("DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "QuantizedDTypePolicy"),
        *("Functional", "InputSpec", "KerasTensor", "Layer", "Model", "Sequential", "Variable"),
    )
)
# They take code, another model, or a file to read.
_CODE = {
    "Lambda": "a Lambda layer",
    "__lambda__": "a lambda",
    "TorchModuleWrapper": "a pickled PyTorch module",
    "JaxLayer": "a JAX function",
    "FlaxLayer": "a Flax module",
    "TFSMLayer": "a SavedModel from elsewhere",
    "TensorFlowOpLayer": "a TensorFlow operation of any kind",
    "ClassMethod": "a call of any method",
    "InstanceMethod": "a call of any method",
    "InstanceProperty": "a call of any property",
}
_READ_FILES = frozenset(("vocabulary", "idf_weights"))
# Of TFOpLambda: functions of TensorFlow that only compute, or the modules that have nothing else.
_PURE_MODULES = ("math.", "nn.", "linalg.", "signal.", "bitwise.", "strings.", "__operators__.")
_PURE = frozenset(
    (
        *("abs", "add", "argmax", "argmin", "broadcast_to", "cast", "clip_by_value", "concat"),
        *("convert_to_tensor", "cumsum", "divide", "einsum", "expand_dims", "eye", "fill"),
        *("gather", "gather_nd", "identity", "matmul", "maximum", "minimum", "multiply"),
        *("negative", "norm", "one_hot", "ones", "ones_like", "pad", "pow", "range", "rank"),
        *("reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "repeat"),
        *("reshape", "reverse", "round", "scalar_mul", "shape", "sigmoid", "sign", "size"),
        *("slice", "sort", "split", "sqrt", "square", "squeeze", "stack", "strided_slice"),
        *("subtract", "tanh", "tensordot", "tile", "transpose", "unstack", "where", "zeros"),
        *("zeros_like", "exp", "floor", "ceil", "sin", "cos", "tan"),
    )
)


def code_in(content: bytes) -> str:
    """What in this JSON needs leave to run, as a phrase; "" when nothing does. Never fails."""
    if len(content) > MAX_BYTES:
        return UNREADABLE
    try:
        config = json.loads(content)
        if not isinstance(config, dict):
            return UNREADABLE
        # Nothing here compiles a model: what only training needs is not looked at.
        config = {key: value for key, value in config.items() if key != "compile_config"}
        return next(_findings(config), "")
    except (ValueError, RecursionError, BrokenError):
        return UNREADABLE


def _findings(config: object) -> Iterator[str]:
    """In the order of the document."""
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield from filter(None, (_of_object(value), _of_files(value)))
            pending += reversed(list(value.values()))
        elif isinstance(value, list):
            pending += reversed(value)


def _of_object(entry: Mapping[str, Any]) -> str:
    """Of an object that Keras would make."""
    if "class_name" not in entry:
        return ""
    name, module = entry["class_name"], entry.get("module")
    if not isinstance(name, str) or not isinstance(module, str | None):
        return UNREADABLE
    if name == "function":
        return f"the function {_shown(entry.get('config'))}"
    if name in ("TFOpLambda", "SlicingOpLambda"):
        return _of_operation(entry)
    return _CODE.get(name) or _of_class(name, module, entry.get("registered_name"))


def _of_class(name: str, module: str | None, registered: object) -> str:
    """Of a class that is none of Keras itself."""
    if ">" in name or _is_foreign(registered, name):
        return f"the class {_shown(registered or name)}"
    is_own = module is None or _is_kerass(module, name)
    return "" if is_own else f"the class {_shown(module)}.{_shown(name)}"


def _is_foreign(registered: object, name: str) -> bool:
    """Whether a class was registered by other code than Keras itself."""
    return registered is not None and registered not in (name, f"keras>{name}", f"Keras>{name}")


def _is_kerass(module: str, name: str) -> bool:
    first, *parts = module.split(".")
    while parts and parts[0] in _PACKAGES:
        parts = parts[1:]
    if first not in _PACKAGES:
        return False
    return parts[0] in _PARTS if parts else name in _TOP_LEVEL


def _of_operation(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    if not isinstance(function, str):
        return UNREADABLE
    called = function.removeprefix("tf.").removeprefix("_api.v2.")
    if called in _PURE or called.startswith(_PURE_MODULES):
        return ""
    return f"the function tf.{_shown(called)}"


def _of_files(entry: Mapping[str, Any]) -> str:
    """A path where a layer takes either values or a file of them."""
    for key in sorted(_READ_FILES & entry.keys()):
        if isinstance(entry[key], str):
            return f"the file {_shown(entry[key])} to read"
    return ""


def _shown(value: object) -> str:
    return readable(str(value))[:_LONGEST_NAME]
