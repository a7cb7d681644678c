"""Lays the library under test over the pinned microdot package, so that ``microdot.cors`` is ours on the host too."""

import os
from pathlib import Path

import microdot
import pytest

HERE = Path(__file__).parent
SECONDS = 300
# A slow board is slow, and fails no test: each wait in one has its own, shorter deadline.
SECONDS_ON_A_BOARD = 900

microdot.__path__.insert(0, str(HERE / "lib" / "microdot"))


def pytest_collection_modifyitems(config, items):
    """Ends a test that hangs, where pytest-timeout is installed."""
    if not config.pluginmanager.hasplugin("timeout"):
        return
    suite = str(HERE / "tests_hil") + os.sep
    for item in items:
        on_board = str(item.path).startswith(suite)
        item.add_marker(pytest.mark.timeout(SECONDS_ON_A_BOARD if on_board else SECONDS, func_only=on_board))
