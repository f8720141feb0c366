"""seccomp: which system calls fail for a process and its children, without privileges.

Runs in the supervisor, on the standard library alone. Sources: seccomp(2), linux/bpf_common.h,
linux/audit.h, and the kernel's tables of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_LOCAL_FAMILIES = (1, 16)  # AF_UNIX, and AF_NETLINK, which lists interfaces
_X32 = 0x40000000  # system calls of another ABI under the same architecture
_IO_URING_SETUP, _PIDFD_OPEN = 425, 434  # on all architectures


@dataclass(frozen=True)
class _Calls:
    """The numbers of an architecture; `audit` is its name in the kernel."""

    audit: int
    socket: int
    signals: tuple[int, ...]  # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo


_CALLS = {
    "x86_64": _Calls(0xC000003E, 41, (62, 200, 234, 129, 297)),
    "aarch64": _Calls(0xC00000B7, 198, (129, 130, 131, 138, 240)),
}

# An instruction: its code, how far it jumps when true and when false, and its operand.
_Instruction = tuple[int, int, int, int]


def restrict(*, network: bool, protected: Collection[int]) -> bool:
    """Let this process and its children send no signal to `protected` processes and groups.

    Without `network`, they make local sockets alone. False where the kernel, or Slugfit on this
    architecture, does not know how.
    """
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return False
    program = list(_program(calls, protected, network=network))
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    instructions = ctypes.create_string_buffer(code, len(code))
    argument = struct.pack("@HP", len(program), ctypes.addressof(instructions))
    prctl = ctypes.CDLL(None).prctl
    if prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not prctl(_SET_SECCOMP, _FILTER, argument, 0, 0)


def _program(calls: _Calls, protected: Collection[int], *, network: bool) -> Iterator[_Instruction]:
    """A check of each call; those about other calls are passed over."""
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, calls.audit)
    yield (_RETURN, 0, 0, _KILL)
    yield (_LOAD, 0, 0, _NUMBER)
    yield (_AT_LEAST, 0, 1, _X32)
    yield _fail(errno.ENOSYS)
    yield (_EQUAL, 0, 1, _IO_URING_SETUP)  # it makes sockets of its own
    yield _fail(errno.ENOSYS)
    for call in (*calls.signals, _PIDFD_OPEN):
        yield from _decide(call, protected, hit=_fail(errno.EPERM), miss=_PASS)
    if not network:
        yield from _decide(calls.socket, _LOCAL_FAMILIES, hit=_PASS, miss=_fail(errno.EACCES))
    yield _PASS


_PASS = (_RETURN, 0, 0, _ALLOW)


def _fail(error: int) -> _Instruction:
    return (_RETURN, 0, 0, _FAIL | error)


def _decide(
    call: int, arguments: Collection[int], *, hit: _Instruction, miss: _Instruction
) -> Iterator[_Instruction]:
    """What becomes of `call`, by whether its first argument is among `arguments`."""
    count = len(arguments)
    yield (_EQUAL, 0, count + 3, call)
    yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
    for place, argument in enumerate(arguments):
        yield (_EQUAL, count - place, 0, argument & 0xFFFFFFFF)
    yield miss
    yield hit
