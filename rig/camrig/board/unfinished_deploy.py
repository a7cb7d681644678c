"""A deploy that was cut off: the board finishes it by itself, prints how far it is, and takes no Ctrl-C meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable

from camrig.board.port import Line
from camrig.deadline import Deadline
from camrig.errors import BoardSilentError

FINISHING = "camrig: finishing a deploy"  # printed at the start of a line, with the number of each file
FINISHED = "camrig: deploy finished"
SECONDS_PER_FILE = 60.0  # on the slowest board
SECONDS = 900.0  # in all
_STEP = re.compile(rb"(?:^|\n)" + FINISHING.encode() + rb" (\d{1,4})/(\d{1,4})\r?\n")
_OVER = re.compile(rb"(?:^|[\n\x04])(?:" + FINISHED.encode() + rb"|Traceback |>>> |raw REPL; )")
_KEPT = 512  # bytes of output in which a line may be incomplete


class UnfinishedDeployError(Exception):
    """Ends the read under way: the board says that it is finishing a deploy."""


def is_finishing(output: bytes) -> bool:
    """Whether the board's last lines say so."""
    step = _STEP.search(output)
    return step is not None and not _OVER.search(output, step.end() - 1)


def wait_until_finished(line: Line, output: bytes, name: str, notify: Callable[[str], None]) -> None:
    """Wait while the board finishes a deploy; ``output`` is what it printed last.

    Raises BoardSilentError when it does not go on: only a file that it has not named before counts as progress.
    """
    until, quiet, before = Deadline.after(SECONDS), Deadline.after(SECONDS_PER_FILE), -1
    if step := _STEP.search(output):
        output = output[step.start() :]
    while not _OVER.search(output):
        for number, total in _STEP.findall(output):
            if before < 0:
                notify(
                    f"{name} is finishing a deploy that was cut off, file {int(number) + 1} of {int(total)}; waiting"
                )
            if int(number) > before:
                before, quiet = int(number), Deadline.after(SECONDS_PER_FILE)
        if quiet.passed or until.passed:
            raise BoardSilentError(
                f"the board was finishing a deploy, and does not go on with it for {quiet.spent:.0f} s",
                board=name,
                hint="switch its power off and on, and run again: it goes on at its next start",
            )
        line.fill()
        output = (output + line.take(len(line.buffer)))[-_KEPT:]
