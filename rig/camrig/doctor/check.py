"""What the doctor says of one step, as text for a person."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

OK, WRONG, NOTE, SKIPPED = "ok", "WRONG", "note", "--"

# Lines that every boot prints and that tell nobody anything.
_BOOT_NOISE = re.compile(
    r"ets [A-Z][a-z]{2} +\d|^(configsip|clk_drv|mode:|load:|ho \d|entry 0x|Type .help)|^[> \x01]*$"
)


@dataclass(frozen=True)
class Check:
    """One step: what was found, what to do about it, and the command that does it."""

    name: str
    state: str
    found: str
    do: str = ""
    command: str = ""
    details: str = ""

    def __str__(self) -> str:
        first, *more = textwrap.wrap(self.found, 92) or [""]
        text = [f"  {self.state:<6} {self.name:<10} {first}", *(" " * 20 + line for line in more)]
        if self.do:
            end = ":" if self.command else "" if self.do.endswith(".") else "."
            to_do = self.do[0].upper() + self.do[1:] + end
            text += textwrap.wrap(to_do, 112, initial_indent=" " * 20 + "-> ", subsequent_indent=" " * 23)
        if self.command:
            text.append(" " * 23 + self.command)
        lines = [line for line in self.details.splitlines() if not _BOOT_NOISE.search(line)]
        return "\n".join([*text, *(" " * 20 + "| " + line for line in lines)])
