"""Models of more than 4 GiB, nearly all of it holes: looked at in no time, and in little memory."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SIZE = 5 << 30
MOST_MEMORY = 50 << 20
TENSORS = 1000
LIBRARIES = Path(__file__).parents[2] / "lib"
# In a process of its own, whose memory is that of the inspection. Its own work counts, not what
# other processes leave of the processor.
LOOK = """
import re, sys, time
from pathlib import Path
from slugfit.models.formats import inspect
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
started = time.process_time()
found = inspect(Path(sys.argv[1]), sys.argv[1])
seconds = time.process_time() - started
print(found.format, peak() - before, seconds)
"""


def gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def write_gguf(path: Path) -> None:
    """With the vocabulary of a large language model."""
    words = b"".join(gguf_text(f"word {n}") for n in range(300_000))
    metadata = gguf_text("tokenizer.ggml.tokens") + struct.pack("<2IQ", 9, 8, 300_000) + words
    each = SIZE // TENSORS // 4096 * 4096
    tensors = b"".join(
        gguf_text(f"blk.{n}") + struct.pack("<IQIQ", 1, each // 4, 0, n * each)
        for n in range(TENSORS)
    )
    header = b"GGUF" + struct.pack("<I2Q", 3, TENSORS, 1) + metadata + tensors
    path.write_bytes(header)
    os.truncate(path, -(-len(header) // 32) * 32 + TENSORS * each)


def write_safetensors(path: Path) -> None:
    each = SIZE // TENSORS
    header = json.dumps(
        {
            f"layer.{n}": {
                "dtype": "U8",
                "shape": [each],
                "data_offsets": [n * each, (n + 1) * each],
            }
            for n in range(TENSORS)
        }
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    os.truncate(path, 8 + len(header) + TENSORS * each)


def write_pickle(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x80\4\x8e" + struct.pack("<Q", SIZE))
        file.seek(SIZE, os.SEEK_CUR)
        file.write(b".")


def write_onnx(path: Path) -> None:
    """As large as Protocol Buffers allow: 2 GiB."""
    each = (2 << 30) // TENSORS // 4096 * 4096
    tensor = b"\x08" + varint(each) + b"\x10\2\x4a" + varint(each)
    whole = b"\x2a" + varint(len(tensor) + each) + tensor
    with path.open("wb") as file:
        file.write(b"\x08\x09\x3a" + varint(TENSORS * (len(whole) + each)))
        for _ in range(TENSORS):
            file.write(whole)
            file.seek(each, os.SEEK_CUR)
        file.write(b"\x42\2\x10\x11")


def varint(number: int) -> bytes:
    more, low = divmod(number, 128)
    return bytes([low | 128]) + varint(more) if more else bytes([low])


WRITERS = {
    "gguf": write_gguf,
    "safetensors": write_safetensors,
    "pickle": write_pickle,
    "onnx": write_onnx,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_large_model_takes_no_second_and_little_memory(name: str, tmp_path: Path) -> None:
    write: Callable[[Path], None] = WRITERS[name]
    write(tmp_path / "model")
    done = subprocess.run(
        [sys.executable, "-c", LOOK, tmp_path / "model"],
        env={"PYTHONPATH": str(LIBRARIES)},
        check=True,
        capture_output=True,
        text=True,
    )
    found, kibibytes, seconds = done.stdout.split()
    assert found == name
    assert int(kibibytes) * 1024 < MOST_MEMORY
    assert float(seconds) < 1
