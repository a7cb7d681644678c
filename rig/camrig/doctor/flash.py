"""What is on a board's flash, without changing it: an application, the library, its settings, and what hides them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from camrig.board.session import Session
from camrig.bringup.deployment import LIBRARY, SETTINGS_FILE
from camrig.deploy.manifest import SOURCE_ONLY, hiding, sources
from camrig.doctor.check import NOTE, OK, WRONG, Check
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi

MAIN = "/main.py"
BUILT, SOURCE = f"{LIBRARY}.mpy", f"{LIBRARY}.py"
# What lies on the board. The password is compared by a salted hash, and never leaves the board as text.
_ASK = """
import json, os, hashlib, binascii
def there(p):
    try:
        os.stat(p)
        return True
    except OSError:
        return False
d = {{'there': [p for p in {paths!r} if there(p)]}}
try:
    with open({settings!r}) as f:
        s = json.load(f)
    w = s.get('wifi') or {{}}
    d['ssid'] = w.get('ssid')
    d['word'] = binascii.hexlify(hashlib.sha256({salt!r} + w.get('password', '').encode()).digest()).decode()
    d['origins'] = (s.get('cors') or {{}}).get('allowed_origins')
except OSError:
    d['settings'] = 'missing'
except (ValueError, AttributeError, TypeError):
    d['settings'] = 'broken'
print(json.dumps(d))
"""


@dataclass(frozen=True)
class Flash:
    """``present`` are the paths that matter and are there, ``hiding`` those imported in place of deployed ones.

    ``ssid`` and ``origins`` stand in the board's settings file; ``settings`` is missing or broken when it is.
    ``same_password`` compares with this computer's settings.
    """

    present: frozenset[str]
    hiding: tuple[str, ...]
    ssid: str
    origins: Any
    settings: str
    same_password: bool

    @property
    def has_application(self) -> bool:
        return MAIN in self.present


def read(session: Session, settings: Settings, wifi: Wifi | None) -> Flash:
    """Look at the flash of a board in its raw REPL. Raises DeployError for settings that name no application,
    or what the session raises."""
    paths = sources(settings.lib, settings.app, None)
    built = [path if path in SOURCE_ONLY else path.replace(".py", ".mpy") for path in paths]
    hidden, salt = hiding(built), secrets.token_bytes(16)
    wanted = sorted({*hidden, MAIN, BUILT, SOURCE})
    found = session.ask(_ASK.format(paths=wanted, settings=SETTINGS_FILE, salt=salt))
    present = frozenset(found["there"])
    password = hashlib.sha256(salt + wifi.password.encode()).hexdigest() if wifi else ""
    return Flash(
        present=present,
        hiding=tuple(path for path in hidden if path in present) if BUILT in present else (),
        ssid=found.get("ssid") or "",
        origins=found.get("origins"),
        settings=found.get("settings", ""),
        same_password=found.get("word") == password,
    )


def checks(flash: Flash, wifi: Wifi | None, port: str, deploying: str) -> Iterator[Check]:
    """What that flash means, where there is an application; ``deploying`` is the command that writes it anew."""
    if flash.hiding:
        remove = f"mpremote connect {port} fs rm -r :{flash.hiding[0]}"
        found = f"{flash.hiding[0]} is imported instead of what was deployed"
        yield Check("files", WRONG, found, "remove it", remove)
    elif not flash.present & {BUILT, SOURCE}:
        yield Check("files", NOTE, "an application, without the CORS library in /lib", "add it", deploying)
    else:
        yield Check("files", OK, "application, library" + ("" if flash.settings else ", settings"))
    rewrite = "write them anew"
    if wifi is None:
        rewrite = "set CAMRIG_WIFI_SSID and CAMRIG_WIFI_PASSWORD, or write camrig.wifi.toml, and then"
    if flash.settings == "broken":
        yield Check("files", WRONG, f"{SETTINGS_FILE} on the board is no valid JSON", rewrite, deploying)
    elif not flash.ssid:
        yield Check("files", WRONG, f"the board has no Wi-Fi settings in {SETTINGS_FILE}", rewrite, deploying)
    elif wifi is not None and not (wifi.ssid == flash.ssid and flash.same_password):
        other = "password" if wifi.ssid == flash.ssid else f"network, {flash.ssid!r},"
        found = f"the board has another Wi-Fi {other} than this computer's settings"
        yield Check("files", NOTE, found, "if these are right, write them to the board", deploying)
