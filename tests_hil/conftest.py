"""Shared by the suite: a policy that each test sets in full, and exchanges that are kept.

Tests of behaviour, marked ``functional``, run before those of load, of misbehaving clients and of cost, whose
failures mean little while the behaviour is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from camera_viewer import Camera, open_camera
from camrig.board.events import Serving
from camrig.dut import Dut
from camrig.plugin.browser import asks_browser
from cors_expectation import ORIGINS, PAGE, STATUS, STRANGER, Exchange
from exchange_matrix import ExchangeMatrix

if TYPE_CHECKING:
    from browser_judge import Judge
    from camrig.probe.browser.tabs import Tabs

BROWSER_TESTS = "test_chromium_"  # how the names of files begin whose tests need a browser
_PLAIN = {
    "allowed_origins": ORIGINS,
    "allow_credentials": False,
    "allowed_methods": None,
    "expose_headers": None,
    "allowed_headers": None,
    "max_age": None,
    "preflight_status": 204,
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "functional: what the library must do; such tests run first")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What a browser decides is part of the suite only if one is asked for: nothing is skipped otherwise."""
    return True if collection_path.name.startswith(BROWSER_TESTS) and not asks_browser(config) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("functional") is None)


class Policy:
    """The board's CORS policy: one call sets all of it. A policy that is in force already is not sent again."""

    def __init__(self, dut: Dut) -> None:
        self.values: dict[str, Any] = {}
        self.changed = ""
        self._dut = dut
        self._boot: Serving | None = None

    def __call__(self, **changes: Any) -> dict[str, Any]:
        """Set the whole policy: ``ORIGINS`` allowed, no other parameter, then the given changes."""
        values = {**_PLAIN, **changes}
        boot = next((event for event in reversed(self._dut.console.events) if isinstance(event, Serving)), None)
        if values != self.values or self.changed or boot is not self._boot:
            self.values = {}  # unknown if this fails
            self._dut.policy(**values)
            self.values, self.changed, self._boot = values, "", boot
        return self.values

    def in_place(self, **changes: list[str]) -> None:
        """Give lists that are in force other entries, without an assignment."""
        before, self.values = self.values, {}
        self._dut.policy(in_place=True, **changes)
        self.values = {**before, **changes}
        self.changed = f" ({', '.join(changes)} changed in place)"


@pytest.fixture(scope="session")
def _policy(dut: Dut) -> Policy:
    return Policy(dut)


@pytest.fixture
def policy(_policy: Policy) -> Policy:
    """Set the board's whole CORS policy: ``policy(max_age=600)``."""
    return _policy


@pytest.fixture(scope="session")
def _matrix() -> ExchangeMatrix:
    return ExchangeMatrix(_PLAIN)


@pytest.fixture
def send(
    dut: Dut, note: Callable[[str, Any], None], _policy: Policy, _matrix: ExchangeMatrix
) -> Iterator[Callable[..., Exchange]]:
    """Make an exchange and keep both sides of it: ``send("GET", origin=PAGE)``."""

    def exchange(
        method: str = "GET",
        target: str = STATUS,
        origin: str | None = PAGE,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Exchange:
        sent = [*([("Origin", origin)] if origin is not None else []), *headers]
        response = dut.request(method, target, sent, body, repeat=True)  # no route of the suite minds
        made = Exchange(dict(_policy.values), method, target, sent, response, _policy.changed)
        cell = _matrix.cell(made)
        cell.add(response.phases.total)
        return replace(made, failed=cell.fail)

    yield exchange
    note("cors.matrix", _matrix.as_data())


@pytest.fixture
def send_preflight(send: Callable[..., Exchange]) -> Callable[..., Exchange]:
    """Send a preflight request: ``send_preflight(PAGE, "PUT", "x-one,x-two")``; the names are sent as they are."""

    def exchange(
        origin: str | None = PAGE,
        method: str = "GET",
        names: str | None = None,
        target: str = STATUS,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Exchange:
        sent = (("Access-Control-Request-Method", method), *headers)
        if names is not None:
            sent += (("Access-Control-Request-Headers", names),)
        return send("OPTIONS", target, origin, sent)

    return exchange


@pytest.fixture(scope="session")
def camera(dut: Dut) -> Camera:
    """The camera of the application; a test that needs one is skipped where it has none."""
    return open_camera(dut)


@pytest.fixture
def page() -> str:
    """An origin that the policy allows."""
    return PAGE


@pytest.fixture
def stranger() -> str:
    """An origin that the policy does not allow."""
    return STRANGER


@pytest.fixture(scope="session")
def _judge(dut: Dut, tabs: Tabs) -> Judge:
    from browser_judge import Judge

    return Judge(dut, tabs)


@pytest.fixture
def judge(_judge: Judge, note: Callable[[str, Any], None]) -> Iterator[Judge]:
    """Let the browser decide on what pages ask, and keep its answers."""
    yield _judge
    note("browser.answers", _judge.as_data())
