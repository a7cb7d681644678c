"""What the page saw in its browser, as it reports it: checked, for anybody may send it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LENGTH = 200  # of a text
NAMES = 20  # of features, or of permissions


@dataclass(frozen=True)
class Outcome:
    """Whether the browser let the page have an answer, and what it said: to a script that is never the reason."""

    ok: bool
    text: str = ""


@dataclass(frozen=True)
class Observation:
    """``reached``: a request whose answer no script can read. ``permissions`` are granted, denied, prompt or
    unknown, by the names of the permissions; ``outcomes`` are those of the features. ``loopback``: whether it reaches
    this computer, None where that was not tried."""

    secure: bool
    protocol: str
    reached: Outcome
    permissions: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    loopback: bool | None = None

    @classmethod
    def parse(cls, report: Any) -> Observation:
        """Raises ValueError for what no page of ours sends."""
        report = _object(report)
        permissions, outcomes = _object(report.get("permissions")), _object(report.get("outcomes"))
        return cls(
            report.get("secure") is True,
            _text(report.get("protocol")),
            _outcome(report.get("reached")),
            {name[:LENGTH]: _text(state) for name, state in permissions.items()},
            {name[:LENGTH]: _outcome(outcome) for name, outcome in outcomes.items()},
            None if report.get("loopback") is None else report.get("loopback") is True,
        )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > NAMES:
        raise ValueError("is not an object of a few members")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    return value[:LENGTH]


def _outcome(value: Any) -> Outcome:
    outcome = _object(value)
    return Outcome(outcome.get("ok") is True, _text(outcome.get("text", "")))
