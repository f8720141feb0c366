"""How to change what an app asks for, in the words of the tool that manages its requirements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Manager = Literal["pip", "pipenv", "poetry", "uv"]

_COMMANDS: dict[Manager, tuple[str, str]] = {
    "pipenv": ("pipenv uninstall", "pipenv install"),
    "poetry": ("poetry remove", "poetry add"),
    "uv": ("uv remove", "uv add"),
}
_INDEX = "https://download.pytorch.org/whl/cpu"
_TORCH_WITHOUT_CUDA: dict[Manager, str] = {
    "pip": f"At the top of requirements.txt:\n--extra-index-url {_INDEX}",
    "pipenv": f"pipenv install --index {_INDEX} torch",
    "poetry": (
        f"poetry source add --priority explicit pytorch-cpu {_INDEX}\n"
        "poetry add --source pytorch-cpu torch"
    ),
    "uv": f"uv add --index pytorch-cpu={_INDEX} torch",
}


def manager_of(app: Path) -> Manager:
    """The tool whose file heroku/python installs from."""
    if (app / "Pipfile").is_file():
        return "pipenv"
    if (app / "requirements.txt").is_file():
        return "pip"
    if (app / "poetry.lock").is_file():
        return "poetry"
    return "uv" if (app / "pyproject.toml").is_file() else "pip"


def removing(names: Iterable[str], manager: Manager) -> str:
    """How to take these requirements out."""
    if manager == "pip":
        return "Take out of requirements.txt:\n" + "\n".join(names)
    return f"{_COMMANDS[manager][0]} {' '.join(names)}"


def replacing(old: str, new: str, manager: Manager) -> str:
    """How to have `new` instead of `old`."""
    if manager == "pip":
        return f"In requirements.txt, instead of {old}:\n{new}"
    remove, add = _COMMANDS[manager]
    return f"{remove} {old}\n{add} {new}"


def without_cuda(manager: Manager) -> str:
    """How to have torch from PyTorch's index of builds for processors."""
    return _TORCH_WITHOUT_CUDA[manager]
