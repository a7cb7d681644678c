"""Open a page in headless Chromium: what it says on its console, what it asks a network for, how wide it is."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.errors import BrowserMissingError
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.executable import find_browser

SECONDS = 120.0
HEIGHT = 2400
FLAGS = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",)  # a page that asks reaches nobody
# What a page is like once it has loaded, and its document with that in it.
MEASURE = """new Promise(resolve => {
  const measure = () => {
    const root = document.documentElement;
    root.dataset.overflow = String(root.scrollWidth - root.clientWidth);
    root.dataset.back = getComputedStyle(document.body).backgroundColor;
    root.dataset.details = String(document.querySelectorAll("details[open]").length);
    resolve(root.outerHTML);
  };
  if (document.readyState === "complete") setTimeout(measure, 0);
  else addEventListener("load", () => setTimeout(measure, 0));
})"""


@dataclass(frozen=True)
class Opened:
    """What became of a page: errors on its console, addresses it asked for, and its document in the end."""

    errors: list[str]
    requests: list[str]
    document: str


def browser() -> Path:
    """The browser's path. Skips the test where there is none."""
    try:
        return find_browser()
    except BrowserMissingError as error:
        pytest.skip(str(error))


class Pages:
    """Opens pages in a browser that is started for the first of them, each in a tab of its own."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._browser: Browser | None = None

    def __call__(self, path: Path, folder: Path, width: int, dark: bool, fragment: str = "") -> Opened:
        """Open a page in a window of this width; keep a picture of it in ``folder``."""
        deadline = Deadline.after(SECONDS)
        if self._browser is None or self._browser.ended:
            self._browser = self._stack.enter_context(Browser(browser(), FLAGS, SECONDS))
        page = self._browser.page("about:blank", deadline)
        try:
            page.resize(width, HEIGHT)
            page.prefer(prefers_color_scheme="dark" if dark else "light")
            page.open(path.as_uri() + fragment, deadline)
            document = page.evaluate(MEASURE, deadline)
            picture = folder / f"{path.stem}-{width}-{'dark' if dark else 'light'}.png"
            picture.write_bytes(page.screenshot(deadline))
            urls = {exchange.url for exchange in page.network.exchanges}
        finally:
            page.close()
        addresses = sorted(url for url in urls if not url.startswith(("file:", "data:")))
        return Opened(list(page.console), addresses, document)
