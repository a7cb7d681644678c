"""Shared by the suite: a policy that each test sets in full, and the origins of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from camrig.dut import Dut

PAGE = "https://panel.example"
STRANGER = "https://stranger.example"

_PLAIN = {
    "allowed_origins": [PAGE],
    "allow_credentials": False,
    "allowed_methods": None,
    "expose_headers": None,
    "allowed_headers": None,
    "max_age": None,
    "preflight_status": 204,
}


@pytest.fixture
def policy(dut: Dut) -> Callable[..., Any]:
    """Set the board's whole CORS policy: one allowed origin, no other parameter, then the given changes."""

    def put(**changes: Any) -> dict[str, Any]:
        return dut.policy(**{**_PLAIN, **changes})

    return put


@pytest.fixture
def page() -> str:
    """The origin that the policy allows."""
    return PAGE


@pytest.fixture
def stranger() -> str:
    """An origin that the policy does not allow."""
    return STRANGER
