"""A slow and lossy link in user space, for kernels that have no netem.

A process of its own: it takes the packets of one TUN device to another, late and not all of them,
and those that go back at once, as netem does that stands on one side's interface.
"""

from __future__ import annotations

import os
import random
import select
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

# More than a packet can be on a link of 1,500 bytes.
PACKET = 2048
# So many at once from one side, before the other has its turn.
BATCH = 64


def relay(near: int, far: int, delay: float, loss: float, chance: random.Random) -> None:
    """Carry packets between two TUN devices, for ever: delayed and dropped from `near` to `far`."""
    waiting: deque[tuple[float, bytes]] = deque()
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([near, far], [], [], pause)
        if near in ready:
            due = time.monotonic() + delay
            waiting.extend((due, packet) for packet in arrived(near) if chance.random() >= loss)
        if far in ready:
            for packet in arrived(far):
                os.write(near, packet)
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            os.write(far, waiting.popleft()[1])


def arrived(device: int) -> Iterator[bytes]:
    """Read the packets that wait in a device."""
    for _ in range(BATCH):
        try:
            yield os.read(device, PACKET)
        except BlockingIOError:
            return


def main() -> None:
    near, far, delay, loss, seed = sys.argv[1:]
    # A cable waits for nobody: where that is permitted, neither does this.
    with suppress(PermissionError):
        os.nice(-10)
    chance = random.Random(int(seed))  # noqa: S311 - no secret
    relay(int(near), int(far), float(delay), float(loss), chance)


if __name__ == "__main__":
    main()
