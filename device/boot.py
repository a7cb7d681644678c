"""Keep the cause of the last reset, which is lost by the time anybody asks over the serial line.

mpremote soft-resets a board before each command, so this file must not wait for anything.
"""

import machine

import __main__

_cause = machine.reset_cause()
__main__.reset_cause = "unknown"
for _name in ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET"):
    if getattr(machine, _name, None) == _cause:
        __main__.reset_cause = _name[:-6].lower()
print("camrig: reset cause", __main__.reset_cause)
del _cause, _name
