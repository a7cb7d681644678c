"""The result of one step of the doctor, as text for a person."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from enum import Enum

from camrig.redaction import presentable

# Lines that every boot prints and that help nobody.
_BOOT_NOISE = re.compile(
    r"ets [A-Z][a-z]{2} +\d|^(configsip|clk_drv|mode:|load:|ho \d|entry 0x|Type .help)|^[> \x01]*$"
)


class State(Enum):
    """How a step ended, as the doctor prints it."""

    OK = "ok"
    NOTE = "note"
    WRONG = "WRONG"
    SKIPPED = "--"


@dataclass(frozen=True)
class Check:
    """One step: the finding, what to do about it, and the command that does it."""

    name: str
    state: State
    finding: str
    advice: str = ""
    command: str = ""
    details: str = ""

    def __post_init__(self) -> None:
        for field in ("finding", "advice", "details"):
            object.__setattr__(self, field, presentable(getattr(self, field)))

    def __str__(self) -> str:
        first, *rest = textwrap.wrap(self.finding, 92) or [""]
        text = [f"  {self.state.value:<6} {self.name:<10} {first}", *(" " * 20 + line for line in rest)]
        if self.advice:
            end = ":" if self.command else "" if self.advice.endswith(".") else "."
            advice = self.advice[0].upper() + self.advice[1:] + end
            text += textwrap.wrap(advice, 112, initial_indent=" " * 20 + "-> ", subsequent_indent=" " * 23)
        if self.command:
            text.append(" " * 23 + self.command)
        lines = [line for line in self.details.splitlines() if not _BOOT_NOISE.search(line)]
        return "\n".join([*text, *(" " * 20 + "| " + line for line in lines)])
