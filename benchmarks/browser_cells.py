"""How often Chromium and the rig's oracle of the Fetch standard answer differently, apart from the listed deviations.

``python -m benchmarks.browser_cells [--random N] [--seed N]`` puts all cells of every kind, and N random ones, before
both. Prints a row for each kind and every difference; exits 1 if there is any.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from camrig.errors import BrowserError
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.executable import find_browser

from tests_unit.probe.browser.cell_requests import KINDS
from tests_unit.probe.browser.cells import Cell, cell_runner
from tests_unit.probe.browser.random_cells import random_cells

ROW = "{:<14}{:>8}{:>13}{:>14}"
CELLS_OF_A_BROWSER = 500  # its cache of preflights has 1,024 entries, and loses any of them beyond that

Cells = Iterable[Cell | tuple[Cell, ...]]


def kinds(total: int, seed: int) -> Iterator[tuple[str, Cells]]:
    for kind in KINDS:
        yield kind.__name__, kind()
    generator = random.Random(seed)
    yield "random", (random_cells(generator) for _ in range(total))


def differences(cells: Cells) -> Iterator[str]:
    """For each cell how the browser's answer differs, empty if it does not."""
    rest = iter(cells)
    while chunk := list(islice(rest, CELLS_OF_A_BROWSER)):
        with Browser(find_browser()) as browser, cell_runner(browser) as runner:
            for cell in chunk:
                yield runner.differences(*(cell if isinstance(cell, tuple) else (cell,)))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--random", type=int, default=2000, metavar="N", help="default: 2000")
    options.add_argument("--seed", type=int, default=0, metavar="N", help="of the random cells, default: 0")
    arguments = options.parse_args()
    total = different = 0
    try:
        with Browser(find_browser()) as browser:
            print(browser.version)
        print(ROW.format("kind", "cells", "differences", "ms for each"))
        for name, cells in kinds(arguments.random, arguments.seed):
            start, count, wrong = time.monotonic(), 0, 0
            for count, difference in enumerate(differences(cells), 1):
                if difference:
                    wrong += 1
                    print(f"{name} {count}: {difference}")
            milliseconds = 1000 * (time.monotonic() - start) / max(count, 1)
            print(ROW.format(name, count, wrong, f"{milliseconds:.1f}"), flush=True)
            total, different = total + count, different + wrong
    except BrowserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{total} cells, {different} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
