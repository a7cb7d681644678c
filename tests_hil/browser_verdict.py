"""One answer of the browser beside what the policy means and what the Fetch standard says, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from browser_cells import Ask
from camrig.errors import BlockedError
from camrig.probe.browser.tabs import Answer
from cors_expectation import LISTED, _message, _shown

AGREES, FAILED, CANNOT = "agrees", "failed", "blocked"
SHOWN = 20_000  # characters of an exchange


@dataclass
class Verdict:
    """One cell: what was asked under which policy, and what each of the three says of it."""

    policy: Mapping[str, Any]
    ask: Ask
    expected: str
    browser: str = ""
    reason: str = ""
    standard: str = ""
    section: str = ""
    preflights: int = 0
    outcome: str = AGREES
    deviation: str = ""
    faults: list[str] = field(default_factory=list)
    answer: Answer | None = None
    ms: float = 0.0

    def fail(self, text: str) -> None:
        self.outcome = FAILED
        self.faults.append(text)

    def block(self, text: str) -> None:
        """The rig could not check this, or is wrong itself; a failure that was found stays."""
        self.outcome = self.outcome if self.outcome == FAILED else CANNOT
        self.faults.append(text)

    @property
    def title(self) -> str:
        return f"{self.ask.name} from {self.ask.page}"

    @property
    def word(self) -> str:
        """What the browser says, with its reason."""
        return f"{self.browser} ({self.reason})" if self.reason else self.browser

    def as_data(self, policy: str) -> dict[str, Any]:
        """For the file of results: a row."""
        return {
            "policy": policy,
            "page": self.ask.page,
            "feature": self.ask.feature,
            "request": self.ask.name,
            "means": self.expected,
            "browser": self.browser,
            "reason": self.reason,
            "standard": self.standard,
            "section": self.section,
            "preflights": self.preflights,
            "outcome": self.outcome,
            "deviation": self.deviation,
            "ms": round(self.ms, 3),
            "fault": self.faults[0] if self.faults else "",
            "exchange": "\n".join(self.lines())[:SHOWN] if self.faults else "",
        }

    def lines(self) -> list[str]:
        """The policy, the request, every exchange with its headers, and all three answers."""
        policy = ", ".join(f"{name}={value!r}" for name, value in self.policy.items())
        lines = [
            *self.faults,
            "",
            f"policy:   {_shown(policy)}",
            *_message("page:    ", self.title, list(self.ask.headers)),
        ]
        if self.answer is not None:
            decision = self.answer.decision
            for title, exchanges in (("preflight", decision.preflights), ("request", decision.exchanges)):
                for exchange in exchanges:
                    sent = [row for row in exchange.sent if matters(row[0])]
                    lines += _message(f"{title}:".ljust(9), f"{exchange.method} {exchange.url}", sent)
                    if exchange.status:
                        lines += _message("response:", str(exchange.status), exchange.received)
        section = f" ({self.section})" if self.section else ""
        return [
            *lines,
            f"policy means: {self.expected}",
            f"browser says: {_shown(self.word) or 'nothing'}",
            f"Fetch standard says: {self.standard or 'nothing'}{_shown(section)}",
        ]


def matters(name: str) -> bool:
    return name.lower() in ("origin", "cookie", "authorization", "content-type") or name.lower().startswith("access-")


class BrowserMismatchError(AssertionError):
    """Cells in which the browser decides otherwise than the policy means."""

    def __init__(self, failed: list[Verdict], number: int) -> None:
        self.differences = list(dict.fromkeys(fault for verdict in failed for fault in verdict.faults))
        lines = failed[0].lines()
        if len(failed) > 1:
            lines += ["", f"{len(failed)} of {number} requests of this test failed, also:"]
            lines += [f"  {verdict.title}: {verdict.faults[0]}" for verdict in failed[1 : LISTED + 1]]
        super().__init__("\n".join(lines))


def conclude(verdicts: list[Verdict]) -> None:
    """Fail if the library has failed a cell; be blocked if the rig could not check one."""
    __tracebackhide__ = True
    failed = [verdict for verdict in verdicts if verdict.outcome == FAILED]
    if failed:
        raise BrowserMismatchError(failed, len(verdicts))
    blocked = [verdict for verdict in verdicts if verdict.outcome == CANNOT]
    if blocked:
        others = f", and {len(blocked) - 1} more of {len(verdicts)}" if len(blocked) > 1 else ""
        raise BlockedError(
            f"{blocked[0].title}{others} could not be judged: {blocked[0].faults[0].rstrip('.')}",
            hint="the details are in the results",
            details="\n".join(blocked[0].lines()),
        )
