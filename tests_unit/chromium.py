"""Open a page in headless Chromium: what it says on its console, what it asks a network for, how wide it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 120
OF_THE_BROWSER = "not an origin"
MEASURE = """<script>addEventListener("load", () => setTimeout(() => {
  const root = document.documentElement;
  root.dataset.overflow = String(root.scrollWidth - root.clientWidth);
  root.dataset.back = getComputedStyle(document.body).backgroundColor;
  root.dataset.details = String(document.querySelectorAll("details[open]").length);
}, 0));</script></body>"""


@dataclass(frozen=True)
class Opened:
    """What became of a page: errors on its console, addresses it asked for, and its document in the end."""

    errors: list[str]
    requests: list[str]
    document: str


def browser() -> str:
    """The browser's path. Skips the test where there is none."""
    path = os.environ.get("CAMRIG_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("there is no Chromium here: install the package chromium")
    return path


def open_page(page: Path, folder: Path, width: int, dark: bool, fragment: str = "") -> Opened:
    """Open a copy of ``page`` that says its own width; keep a picture of it in ``folder``."""
    copy, net_log = folder / f"{page.stem}-measured.html", folder / "net.json"
    text = page.read_text(encoding="utf-8")
    assert "</body>" in text
    copy.write_text(text.replace("</body>", MEASURE), encoding="utf-8")
    done = subprocess.run(
        [
            browser(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"),
            *("--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync"),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the browser itself reaches nobody
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={net_log}",
            f"--window-size={width},2400",
            f"--screenshot={folder / f'{page.stem}-{width}-{chr(100) if dark else chr(108)}.png'}",
            "--dump-dom",
            copy.as_uri() + fragment,
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    return Opened([line for line in lines if ":CONSOLE" in line], asked_for(net_log), done.stdout)


def asked_for(net_log: Path) -> list[str]:
    """The addresses in a net log that a page asked for; what the browser itself asks for has no origin."""
    text = net_log.read_text(encoding="utf-8").rstrip().rstrip(",")
    events = json.loads(text if text.endswith("}") else text + "]}")["events"]
    details = [event["params"] for event in events if isinstance(event.get("params"), dict)]
    urls = {entry.get("url", "") for entry in details if entry.get("initiator", OF_THE_BROWSER) != OF_THE_BROWSER}
    return sorted(url for url in urls if not url.startswith(("file:", "data:")))
