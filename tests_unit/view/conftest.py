"""Cameras and pages for the tests of ``camrig view``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from camrig.view.server import PageServer

from tests_unit.view.cameras import Behaviour, Camera


@pytest.fixture
def camera() -> Iterator[Callable[..., Camera]]:
    """Starts cameras: ``camera(headers={...})``."""
    with ExitStack() as stack:

        def start(**behaviour: object) -> Camera:
            camera = Camera(Behaviour(**behaviour))
            stack.callback(camera.off)
            return camera

        yield start


@pytest.fixture
def server() -> Iterator[PageServer]:
    server = PageServer(0, "a camera")
    server.start()
    yield server
    server.close()
