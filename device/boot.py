"""Keep the cause of the last reset: over the serial line it can no longer be asked for.

mpremote soft-resets a board before each command, so this file never waits.
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
