"""Replaces the interpreter's modules by those of an ESP32's firmware."""

import sys

U_NAMES = ("os", "sys", "time", "socket", "machine")  # they can also be imported as uos and so on


def install(board):
    """Each ``esp_x`` becomes module x, with what the interpreter's x has besides, except the names in ``HIDDEN``."""
    if board["boot_ms"]:
        __import__("time").sleep_ms(board["boot_ms"])
    if board["block_ms"]:
        __import__("slow_flash").power_on(board["block_ms"])
    modules = []
    for name in ("os", "sys", "time", "socket", "vfs", "machine", "network", "esp32", "gc", "camera"):
        source = "esp_" + name
        if name == "gc" and not board["collection_ms"]:
            continue
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
            add_missing(module, __import__(name), hidden)
            del module.HIDDEN
        if hasattr(module, "power_on"):
            module.power_on(board)
            del module.power_on
    for name, module in modules:
        sys.modules[name] = module
        if name in U_NAMES:
            sys.modules["u" + name] = module


def add_missing(module, real, hidden):
    for name in dir(real):
        if not name.startswith("__") and name not in hidden and not hasattr(module, name):
            setattr(module, name, getattr(real, name))
