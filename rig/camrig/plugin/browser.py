"""The browser of a run: what happens where there is none, or where nobody asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from camrig.errors import BrowserMissingError, CamrigError, NotAvailableError
from camrig.plugin.run import RUN, Run
from camrig.probe.browser.executable import find_browser
from camrig.probe.browser.tabs import Tabs

NOT_ASKED = "no browser is asked for"
ASK = "give --hil-browser chromium"


def asks_browser(config: pytest.Config) -> bool:
    """Whether a run is to ask a browser; not if its settings are wrong, which is reported elsewhere."""
    try:
        return config.stash[RUN].settings.asks_browser
    except CamrigError:
        return False


@contextmanager
def running_tabs(run: Run) -> Iterator[Tabs]:
    """The browser and its tabs.

    Raises NotAvailableError where none is asked for or found, and BrowserMissingError where one is required.
    """
    settings = run.settings
    if not settings.asks_browser:
        raise NotAvailableError(NOT_ASKED, hint=ASK)
    try:
        executable = find_browser()
    except BrowserMissingError as error:
        if settings.requires("browser"):
            raise
        raise NotAvailableError(error.what, hint=error.hint) from None
    with Tabs(executable) as tabs:
        tabs.open()
        run.browser = tabs.version
        yield tabs
