"""Whether a requirement's marker holds on a dyno."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from packaging.markers import Marker, UndefinedEnvironmentName

# Of a dyno's kernel, which is not documented.
_UNKNOWN = ("platform_release", "platform_version")


def environment(python_version: str) -> dict[str, str]:
    """The markers of a dyno under a CPython of this version, "3.12.4"."""
    return {
        "python_version": ".".join(python_version.split(".")[:2]),
        "python_full_version": python_version,
        "implementation_name": "cpython",
        "implementation_version": python_version,
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        **dict.fromkeys(_UNKNOWN, ""),
    }


def may_hold(marker: Marker | None, env: Mapping[str, str], extras: Collection[str] = ()) -> bool:
    """Whether `marker` is true with any of these extras; also where that is unknown."""
    if marker is None or any(name in str(marker) for name in _UNKNOWN):
        return True
    try:
        return any(marker.evaluate({**env, "extra": extra}) for extra in extras or ("",))
    except (ValueError, UndefinedEnvironmentName):  # such as UndefinedComparison
        return True
