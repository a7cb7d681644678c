"""The board's settings, read from a file that the rig or a user wrote, with defaults for missing keys."""

import json

SETTINGS_FILE = "/camrig.json"


def load(path=SETTINGS_FILE):
    """Return the settings: ``wifi`` (dict or None), ``port``, ``cors``, ``camera``, and ``power_save`` of the radio.

    ``camera`` is False for a board without one. Without the file, all are defaults.
    Raises ValueError, with one sentence, for a file that is not valid.
    """
    settings = {"wifi": None, "port": 8080, "cors": {"allowed_origins": []}, "camera": {}, "power_save": False}
    settings.update(read_object(path) or {})
    for key in ("cors", "camera"):
        if not isinstance(settings[key], dict) and not (key == "camera" and settings[key] is False):
            raise ValueError("{}: {!r} must be an object".format(path, key))
    if not isinstance(settings["power_save"], bool):
        raise ValueError("{}: 'power_save' must be true or false".format(path))
    port = settings["port"]
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ValueError("{}: 'port' must be a number from 1 to 65535".format(path))
    wifi = settings["wifi"]
    if wifi:
        for key in ("ssid", "password"):
            if not isinstance(wifi, dict) or not isinstance(wifi.get(key, ""), str):
                raise ValueError("{}: 'wifi' must be an object with the texts 'ssid' and 'password'".format(path))
    return settings


def read_object(path):
    """Return the JSON object in the file, None without the file. Raises ValueError for other content."""
    try:
        with open(path) as f:
            value = json.load(f)
    except OSError:
        return None
    except ValueError:
        raise ValueError("{} is not valid JSON".format(path))
    if not isinstance(value, dict):
        raise ValueError("{} must hold a JSON object".format(path))
    return value


def reset_cause():
    """Name of the last reset's cause, kept by boot.py; 'unknown' if boot.py did not run."""
    import __main__

    return getattr(__main__, "reset_cause", "unknown")
