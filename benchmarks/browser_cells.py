"""How often Chromium and the rig's oracle of the Fetch standard answer differently, apart from the listed deviations.

``python -m benchmarks.browser_cells [--random N] [--seed N]`` puts all cells of every kind, and N random ones, before
both. Prints a row for each kind and every difference; exits 1 if there is any.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator

from camrig.errors import BrowserError
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.executable import find_browser

from tests_unit.probe.browser.cell_requests import KINDS
from tests_unit.probe.browser.cells import Cell, cell_runner
from tests_unit.probe.browser.random_cells import random_cells

ROW = "{:<14}{:>8}{:>13}{:>14}"


def kinds(total: int, seed: int) -> Iterator[tuple[str, Iterator[Cell | tuple[Cell, ...]]]]:
    for kind in KINDS:
        yield kind.__name__, iter(kind())
    generator = random.Random(seed)
    yield "random", (random_cells(generator) for _ in range(total))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--random", type=int, default=2000, metavar="N", help="default: 2000")
    options.add_argument("--seed", type=int, default=0, metavar="N", help="of the random cells, default: 0")
    arguments = options.parse_args()
    total = different = 0
    try:
        with Browser(find_browser(os.environ)) as browser, cell_runner(browser) as runner:
            print(browser.version)
            print(ROW.format("kind", "cells", "differences", "ms for each"))
            for name, cells in kinds(arguments.random, arguments.seed):
                start, count, differences = time.monotonic(), 0, 0
                for cell in cells:
                    count += 1
                    if difference := runner.differences(*(cell if isinstance(cell, tuple) else (cell,))):
                        differences += 1
                        print(f"{name} {count}: {difference}")
                seconds = time.monotonic() - start
                print(ROW.format(name, count, differences, f"{1000 * seconds / max(count, 1):.1f}"), flush=True)
                total, different = total + count, different + differences
    except BrowserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{total} cells, {different} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
