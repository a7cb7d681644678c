import pytest

BYTES = """
import gc
from ring import Ring

def retained(size):
    gc.collect()
    before = gc.mem_alloc()
    ring = Ring(size)
    gc.collect()
    return gc.mem_alloc() - before
"""


@pytest.mark.parametrize(
    ("size", "count", "n", "last"),
    [(4, 0, 2, b""), (4, 3, 2, b"\x01\x02"), (4, 9, 4, b"\x05\x06\x07\x08"), (4, 9, 9, b"\x05\x06\x07\x08")],
)
def test_the_last_bytes_are_kept(board, size, count, n, last):
    board.exec(f"from ring import Ring\nring = Ring({size})\nfor byte in range({count}):\n    ring.put(byte)")
    assert board.eval(f"ring.last({n})") == last


def test_what_a_ring_takes(board, measure):
    board.exec(BYTES)
    measure("ring.bytes", [board.eval("retained(64)") for _ in range(3)], unit="B")
