"""A board that finishes a deploy is waited for as long as it goes on, and by nothing that only looks like it."""

from __future__ import annotations

import pytest
from camrig.board import unfinished_deploy
from camrig.board.unfinished_deploy import FINISHED, FINISHING, is_finishing, wait_until_finished
from camrig.errors import BoardSilentError


class ScriptedLine:
    """A line that sends a chunk at each read, and then nothing."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks, self.buffer = list(chunks), bytearray()

    def fill(self) -> bool:
        if self.chunks:
            self.buffer += self.chunks.pop(0)
        return bool(self.buffer)

    def take(self, size: int) -> bytes:
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data


def step(number: int, total: int = 9) -> bytes:
    return f"{FINISHING} {number}/{total}\r\n".encode()


STEPS = b"".join(step(number) for number in range(9))
RAW = b"raw REPL; CTRL-B to exit\r\n"
TRACEBACK = b"Traceback (most recent call last):"
ENDS = [FINISHED.encode(), b"\x04" + TRACEBACK, TRACEBACK, b">>> ", RAW + b">"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_it_is_over_when_the_board_says_so_or_takes_keys_again(end, size):
    data, said = STEPS + end, []
    line = ScriptedLine(*(data[at : at + size] for at in range(0, len(data), size)))
    wait_until_finished(line, b"raw REPL; CTRL-B to exit\r\nOK\r\nMPY: soft reboot\r\n" + step(0), "b1", said.append)
    assert said == ["b1 is finishing a deploy that was cut off, file 1 of 9; waiting"]


@pytest.mark.parametrize("rest", [(), (step(0),) * 10**5, (b"noise\r\n",) * 10**5], ids=["silent", "same", "noise"])
def test_a_board_that_does_not_go_on_is_not_waited_for(rest, monkeypatch):
    monkeypatch.setattr(unfinished_deploy, "SECONDS_PER_FILE", 0.02)
    with pytest.raises(BoardSilentError, match="does not go on") as caught:
        wait_until_finished(ScriptedLine(*rest), step(0), "b1", lambda line: None)
    assert "flash" not in str(caught.value)


@pytest.mark.parametrize(
    ("output", "finishing"),
    [
        (step(3), True),
        (b"rst:0x1 (POWERON_RESET)\r\n" + step(0), True),
        (step(3) + step(4), True),
        (step(3)[:-4], False),
        (b"log: " + step(3), False),
        (step(8) + FINISHED.encode() + b"\r\n", False),
        (step(3) + b"Traceback (most recent call last):\r\n", False),
        (step(3) + b">>> ", False),
        (f"{FINISHING} x/y\r\n".encode(), False),
        (b"", False),
    ],
)
def test_only_a_whole_line_of_the_script_counts(output, finishing):
    assert is_finishing(output) is finishing
