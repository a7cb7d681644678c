"""Put the modules of an ESP32's firmware in the place of the interpreter's own."""

import sys

ALSO_WITH_U = ("os", "sys", "time", "socket", "machine")  # known under their old names too: uos and so on


def install(board):
    """Each ``esp_x`` becomes module x, filled up with what the real x has and ``HIDDEN`` does not name."""
    modules = []
    for name in ("os", "sys", "time", "socket", "vfs", "machine", "network", "esp32", "camera"):
        source = "esp_" + name
        if name == "camera":
            if board["camera"] == "none":
                continue
            source = "camera_" + board["camera"]
        module = __import__(source)
        modules.append((name, module))
        del sys.modules[source]
        module.__name__ = name
        hidden = getattr(module, "HIDDEN", None)
        if hidden is not None:
            fill_up(module, __import__(name), hidden)
            del module.HIDDEN
        if hasattr(module, "power_on"):
            module.power_on(board)
            del module.power_on
    for name, module in modules:
        sys.modules[name] = module
        if name in ALSO_WITH_U:
            sys.modules["u" + name] = module


def fill_up(module, real, hidden):
    for name in dir(real):
        if not name.startswith("__") and name not in hidden and not hasattr(module, name):
            setattr(module, name, getattr(real, name))
