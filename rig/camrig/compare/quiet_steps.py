"""Steps of a comparison with many boots: those of the first ones are printed, and of the others only lines."""

from __future__ import annotations

import sys

from camrig.elapsed import terminal_line
from camrig.steps import Step, Steps

FIRST_BOOTS = 2


class FirstBoots:
    """Prints steps until a number of ``boots`` are over, failed steps always, and lines in between too."""

    def __init__(self, boots: int = FIRST_BOOTS) -> None:
        self._left = boots

    def __call__(self, step: Step | str) -> None:
        is_boot = isinstance(step, Step) and step.name == "ready"
        if isinstance(step, str) or self._left > 0 or not step.ok:
            print(step, flush=True)
        self._left -= is_boot


def steps_of_first_boots() -> Steps:
    """Steps that are printed on standard output, as ``FirstBoots`` does; a terminal shows how long each takes."""
    return Steps(FirstBoots(), terminal_line(sys.stdout))
