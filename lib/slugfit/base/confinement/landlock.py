"""Landlock: which files a process may read and write, by the kernel's leave, without privileges.

Runs in the supervisor, on the standard library alone. Sources: landlock(7), linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on all architectures
_VERSION = 1  # the flag that asks which ABI the kernel has
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14  # since ABI 2 and 3
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_SCOPE_SIGNALS_AND_SOCKETS = 3  # since ABI 6: of processes outside
# What programs write to without leaving anything behind.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/shm")  # noqa: S108

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The version of Landlock that the kernel has, 0 without it."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION)))


def restrict(writable: Iterable[str], hidden: Iterable[str]) -> int:
    """Let this process and its children write below `writable` alone, and read nothing `hidden`.

    Returns the ABI, 0 where the kernel has none. Raises OSError when it refuses.
    """
    version = abi()
    if not version:
        return 0
    write = _WRITE_FILE | _REMOVE_AND_MAKE
    write |= (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    concealed = [os.path.realpath(path) for path in hidden]
    handled = write | (_READ if concealed else 0)
    scoped = _SCOPE_SIGNALS_AND_SOCKETS if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, 0, scoped)[: 24 if version >= 6 else 8]
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for path in (*_DEVICES, *writable):
            _allow(ruleset, path, write | (_READ & handled))
        if concealed:
            for path in all_but(concealed):
                _allow(ruleset, path, _READ)
        _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return version


def all_but(hidden: Iterable[str], root: str = "/") -> Iterator[str]:
    """The fewest paths below `root` that have all that is there now, but for what is `hidden`."""
    below = [path for path in hidden if os.path.commonpath([root, path]) == root]
    if root in below:
        return
    if not below:
        yield root
        return
    with os.scandir(root) as entries:
        names = sorted(entry.path for entry in entries if not entry.is_symlink())
    for path in names:
        yield from all_but(below, path)


def _allow(ruleset: int, path: str, access: int) -> None:
    """What isn't there, or may not be opened, needs no rule."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access &= -1 if os.path.isdir(path) else _OF_FILES
        rule = struct.pack("=Qi", access, descriptor)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
