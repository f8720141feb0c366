"""How to change an app's requirements, with its package manager."""

from __future__ import annotations

from collections.abc import Iterable

from slugfit.app.package_manager import Manager

_COMMANDS: dict[Manager, tuple[str, str]] = {
    "pipenv": ("pipenv uninstall", "pipenv install"),
    "poetry": ("poetry remove", "poetry add"),
    "uv": ("uv remove", "uv add"),
}
_INDEX = "https://download.pytorch.org/whl/cpu"
_TORCH_WITHOUT_CUDA: dict[Manager, str] = {
    "pip": f"Add at the top of requirements.txt:\n--extra-index-url {_INDEX}",
    "pipenv": f"pipenv install --index {_INDEX} torch",
    "poetry": (
        f"poetry source add --priority explicit pytorch-cpu {_INDEX}\n"
        "poetry add --source pytorch-cpu torch"
    ),
    "uv": f"uv add --index pytorch-cpu={_INDEX} torch",
}


def removing(names: Iterable[str], manager: Manager) -> str:
    """How to remove these requirements."""
    if manager == "pip":
        return "Remove from requirements.txt:\n" + "\n".join(names)
    return f"{_COMMANDS[manager][0]} {' '.join(names)}"


def replacing(old: str, new: str, manager: Manager) -> str:
    """How to replace `old` with `new`."""
    if manager == "pip":
        return f"In requirements.txt, replace {old} with:\n{new}"
    remove, add = _COMMANDS[manager]
    return f"{remove} {old}\n{add} {new}"


def without_cuda(manager: Manager) -> str:
    """How to install torch from PyTorch's index of CPU builds."""
    return _TORCH_WITHOUT_CUDA[manager]
