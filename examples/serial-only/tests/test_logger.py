def test_samples_are_counted(dut):
    first = int(dut.console.expect(r"^sample (\d+) temperature [\d.]+$", timeout=10).group(1))
    assert int(dut.console.expect(r"^sample (\d+)", timeout=10).group(1)) == first + 1


TIMES = """
import time
from filters import median

def microseconds(values):
    start = time.ticks_us()
    median(values)
    return time.ticks_diff(time.ticks_us(), start)
"""


def test_the_median_is_right_on_the_board(board):
    board.exec("from filters import median")
    assert board.eval("[median([3, 1, 2]), median([4, 1]), median([7])]") == [2, 2.5, 7]


def test_how_long_the_median_takes(board, measure):
    board.exec(TIMES)
    measure("median.time", board.eval("[microseconds(list(range(50))) for _ in range(20)]"), unit="us")
