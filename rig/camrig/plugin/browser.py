"""The browser of a run: what happens where there is none, or where nobody asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from camrig.errors import BrowserMissingError, CamrigError, NotAvailableError
from camrig.plugin.run import RUN, Run

if TYPE_CHECKING:
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
    from camrig.probe.browser.executable import find_browser
    from camrig.probe.browser.tabs import Tabs

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


def demand_browser(run: Run, session: pytest.Session) -> None:
    """Block a run that requires a browser, and none of whose tests has asked one."""
    if session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or run.browser or run.blocked:
        return
    if run.interruption.came or session.config.getoption("dist", "no") != "no" or session.config.option.collectonly:
        return
    if not hasattr(session.config, "workerinput") and run.settings.requires("browser"):
        run.keep(
            BrowserMissingError(
                "--hil-require=browser, and no test of this run has asked a browser",
                hint="run the suite tests_hil, or tests that use the fixture tabs",
            )
        )
