"""A slow and lossy link between two network namespaces of the bench's own.

The bench, with the server, runs in one, and the clients of the link in the other, whose only
interface it is. For them 127.0.0.1 is at the link's other end: the server listens on nothing but
the loopback interface, and has one endpoint for all loads.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from slugfit.local.servers import dying_with_parent

DELAY_MS = 40
LOSS_PERCENT = 0.5
SEED = 3

# From the range that is set aside for benchmarks of networks. The bench is at the near end.
NEAR, FAR = "slow0", "slow1"
NEAR_ADDRESS, FAR_ADDRESS = "198.18.0.1", "198.18.0.2"
# What is on its way in 40 ms at 3 Gbit/s: a full queue would be a second kind of loss.
QUEUE = 10_000

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


class LinkError(Exception):
    """This machine does not let the bench make a link; says why."""


@dataclass(frozen=True)
class Link:
    """A link that is up."""

    prefix: tuple[str, ...]
    how: str


def isolation(user: int) -> list[str] | None:
    """Return the command prefix that gives a process a network of its own, if that is permitted."""
    as_root = [] if user == 0 else ["--user", "--map-root-user"]
    with_loopback = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    prefix = ["unshare", *as_root, "--net", *with_loopback]
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return None
    attempt = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if attempt.returncode == 0 else None


@contextmanager
def slow_link() -> Iterator[Link]:
    """Make the link, out of a namespace that `isolation` gave; raise LinkError if that fails."""
    holder = subprocess.Popen(
        [*dying_with_parent(), "unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with _netem(holder.pid) if _has_netem() else _relay(holder.pid) as how:
            prefix = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
            _configure((), NEAR, NEAR_ADDRESS)
            _configure(prefix, FAR, FAR_ADDRESS)
            _run(
                *prefix, "ip", "route", "add", "127.0.0.1", "via", NEAR_ADDRESS, "src", FAR_ADDRESS
            )
            yield Link(prefix, how)
    finally:
        holder.kill()
        holder.wait()


def _has_netem() -> bool:
    """Try it on the loopback interface: it may have to be loaded."""
    if shutil.which("tc") is None:
        return False
    with suppress(LinkError):
        _run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "0ms")
        _run("tc", "qdisc", "del", "dev", "lo", "root")
        return True
    return False


@contextmanager
def _netem(other: int) -> Iterator[str]:
    _run("ip", "link", "add", NEAR, "type", "veth", "peer", "name", FAR, "netns", str(other))
    # A packet is what a cable carries, and not the 64 kB that TCP hands over at once.
    _run("ip", "link", "set", NEAR, "gso_max_segs", "1")
    conditions = ("delay", f"{DELAY_MS}ms", "loss", f"{LOSS_PERCENT}%", "limit", str(QUEUE))
    _run("tc", "qdisc", "add", "dev", NEAR, "root", "netem", *conditions)
    yield "tc netem on the server's end"


@contextmanager
def _relay(other: int) -> Iterator[str]:
    try:
        near, far = _tun(NEAR), _tun(FAR)
    except OSError as error:
        raise LinkError(f"no netem, and /dev/net/tun: {error.strerror}") from error
    _run("ip", "link", "set", FAR, "netns", str(other))
    numbers = map(str, (near, far, DELAY_MS / 1000, LOSS_PERCENT / 100, SEED))
    command = [*dying_with_parent(), sys.executable, "-m", "bench.relay", *numbers]
    relay = subprocess.Popen(command, pass_fds=(near, far))
    try:
        yield "a relay of the bench's own between two TUN devices, as this kernel has no netem"
    finally:
        relay.kill()
        relay.wait()
        os.close(near)
        os.close(far)


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
    fcntl.ioctl(device, TUNSETIFF, request)
    return device


def _configure(prefix: tuple[str, ...], name: str, address: str) -> None:
    _run(*prefix, "ip", "address", "add", f"{address}/30", "dev", name)
    _run(*prefix, "ip", "link", "set", name, "txqueuelen", str(QUEUE), "up")
    setting = f"/proc/sys/net/ipv4/conf/{name}/route_localnet"
    _run(*prefix, "sh", "-c", f"echo 1 >{setting}")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LinkError(f"`{' '.join(command)}` says: {done.stderr.strip()}")
