"""An estimate is near what gzip makes of the same bytes, and costs a part of its time."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.slug.weigh import sampling
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import compressed_size
from slugfit.slug.weigh.sampling import ERROR, MIN_BYTES, estimate
from slugfit.slug.weigh.weigher import Weigher
from support.chance import chance

BLOCK = 128 * 1024


def hexadecimal(seed: int, size: int) -> bytes:
    """What compresses by half."""
    return chance(seed).randbytes(size // 2).hex().encode()


def test_of_the_real_files_of_a_library_the_estimate_is_within_half_a_percent() -> None:
    root = Path(sysconfig.get_path("stdlib"))
    files = sorted(p for p in root.rglob("*") if p.is_file() and "site-packages" not in p.parts)
    some = files[:: len(files) // 1_500 + 1]
    load = ArchiveSpec(root, tuple(str(path.relative_to(root)) for path in some))
    raw = load.raw
    [size] = estimate([load.stream()], max(raw, MIN_BYTES))
    assert size == pytest.approx(compressed_size(load.stream()), rel=ERROR)


def test_streams_are_told_apart() -> None:
    noise, zeros = [chance(1).randbytes(BLOCK * 200)], [bytes(BLOCK * 200)]
    one, nothing, other = estimate([noise, [], zeros], BLOCK * 400)
    assert one == pytest.approx(BLOCK * 200, rel=ERROR)
    assert nothing == 0
    assert other < BLOCK


def test_the_same_bytes_have_the_same_estimate() -> None:
    piece = hexadecimal(3, BLOCK * 250)
    assert estimate([[piece]], len(piece)) == estimate([[piece[:777], piece[777:]]], len(piece))


def test_near_the_limit_gzip_itself_decides(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(hexadecimal(5, MIN_BYTES + BLOCK))
    load = ArchiveSpec(tmp_path, ("model",))
    true = compressed_size(load.stream())
    far = Weigher(tmp_path / "none").weigh({"m": load}, limit=true * 2)["m"].compressed
    assert far != true, "an estimate that is right by chance tells nothing"
    assert Weigher(tmp_path / "none").weigh({"m": load}, limit=true)["m"].compressed == true


def test_what_gzip_decided_is_remembered_as_decided(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(hexadecimal(5, MIN_BYTES + BLOCK))
    load = ArchiveSpec(tmp_path, ("model",))
    true = compressed_size(load.stream())
    cache = tmp_path / "cache"
    for limit in (true, true * 2):
        scales = Weigher(cache / "weights.json")
        assert scales.weigh({"m": load}, limit=limit)["m"].compressed == true
        changes = Changes(cache, cache / "side")
        scales.save(changes)
        changes.keep()


def test_the_sample_is_no_larger_than_it_must_be() -> None:
    shares = {blocks: sampling._share(blocks) for blocks in (180, 900, 10_000)}
    assert shares == {180: 1, 900: 0.2, 10_000: 0.045}
