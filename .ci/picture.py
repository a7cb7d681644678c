#!/usr/bin/env python3
"""Run the suite on the virtual board, and write docs/run.svg and docs/page.png: the terminal, and the run's page.

    python .ci/picture.py

The first loads nothing from the network; the second needs Chromium. They are written only if the suite passes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "run.svg"
PAGE = ROOT / "docs" / "page.png"
PAGE_SIZE = (900, 1850)
COLUMNS = 110
ARGUMENTS = ("--no-header",)  # without the versions of every plugin that is installed here
ALT = "The suite runs on the virtual board: every step, the tests, three answers and a table of figures"

# That of rich, without its fonts from the network: each line has the length of its text, in whichever font.
FORMAT = (
    """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>{{alt}}</title>
<style>
.{unique_id}-matrix {{{{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}}}
.{unique_id}-title {{{{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("{{alt}}", ALT)
    .replace("{{{{", "{{")
    .replace("}}}}", "}}")
)


def svg(output: str, columns: int = COLUMNS) -> str:
    """The terminal in which pytest printed ``output``, with colours as escape sequences."""
    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True)
    console.print(Text(" ".join(("$ pytest", *ARGUMENTS)), style="bold"))
    console.print(Text.from_ansi(output.rstrip()))
    return console.export_svg(title="", theme=MONOKAI, code_format=FORMAT, unique_id="run")


def with_short_paths(output: str, folder: str, short: str = "~/camrig") -> str:
    """``output`` with ``short`` for ``folder``, and the columns behind it where they were."""
    paths = re.compile(rf"{re.escape(folder)}((?: ?[^\s])*)(?=(  )?)")
    return paths.sub(lambda path: short + path[1] + " " * (len(folder) - len(short)) * bool(path[2]), output)


def run() -> str:
    """What the suite prints on a terminal. Raises CalledProcessError if it does not pass."""
    command = [sys.executable, "-m", "pytest", "--color=yes", "-p", "no:cacheprovider", *ARGUMENTS]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CAMRIG_", "ESP", "PYTEST_"))}
    environment = {**clean, "COLUMNS": str(COLUMNS)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return with_short_paths(ended.stdout, str(ROOT))


def photograph(page: Path, target: Path) -> None:
    """A picture of the upper part of ``page`` as Chromium shows it. Raises OSError or CalledProcessError."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "page.html"
        copy.write_text(page.read_text(encoding="utf-8").replace(str(ROOT), "~/camrig"), encoding="utf-8")
        size = ",".join(map(str, PAGE_SIZE))
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}")
        rules = "--host-resolver-rules=MAP * ~NOTFOUND"
        command = ["chromium", *flags, rules, f"--user-data-dir={folder}/profile", f"--screenshot={target}"]
        subprocess.run([*command, copy.as_uri()], check=True, capture_output=True, timeout=120)


def main() -> int:
    PICTURE.write_text(svg(run()), encoding="utf-8", newline="\n")
    print(PICTURE.relative_to(ROOT))
    photograph(max((ROOT / "results").glob("run-*.html"), key=lambda page: page.stat().st_mtime), PAGE)
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
