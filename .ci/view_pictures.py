#!/usr/bin/env python3
"""Write docs/view-blocked.png and docs/view-open.png: the page of camrig view on the virtual board, in Chromium.

python .ci/view_pictures.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from camrig.deadline import Deadline
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.executable import find_browser

ROOT = Path(__file__).resolve().parent.parent
PORT = 8090
SECONDS = 60.0
SIZE = (1000, 1240)
READY = """new Promise((resolve) => {
  const f = () => document.body.dataset.tried && document.body.dataset.firstPicture ? resolve() : setTimeout(f, 50);
  f();
})"""
# By name: arguments, and whether the page is dark.
PICTURES: dict[str, tuple[tuple[str, ...], bool]] = {"view-blocked": ((), False), "view-open": (("--allow",), True)}


def photograph(browser: Browser, target: Path, arguments: tuple[str, ...], dark: bool) -> None:
    """One picture of the page. Raises AssertionError if the command does not show it."""
    with TemporaryDirectory() as results:
        command = [sys.executable, "-u", "-m", "camrig", "view", "--page-port", str(PORT), *arguments]
        with subprocess.Popen(
            [*command, "--hil-wait", "60"], cwd=results, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert any("Ctrl-C ends it" in line for line in process.stdout), "camrig view ended"
                page = browser.page("about:blank", Deadline.after(SECONDS))
                page.resize(*SIZE)
                page.prefer(prefers_color_scheme="dark" if dark else "light")
                page.open(f"http://localhost:{PORT}", Deadline.after(SECONDS))
                page.evaluate(READY, Deadline.after(SECONDS))
                target.write_bytes(page.screenshot(Deadline.after(SECONDS)))
                page.close()
            finally:
                process.terminate()


def main() -> int:
    with Browser(find_browser()) as browser:
        for name, (arguments, dark) in PICTURES.items():
            target = ROOT / "docs" / f"{name}.png"
            photograph(browser, target, arguments, dark)
            print(target.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
