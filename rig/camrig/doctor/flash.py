"""The contents of a board's flash, read without changing it: application, library, settings, and what hides them."""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session
from camrig.bringup.contents import contents_for
from camrig.deploy.layers import CORS_MODULE, SETTINGS_FILE, merge
from camrig.deploy.manifest import SOURCE_ONLY, hiding_paths
from camrig.doctor.check import Check, State
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi

MAIN = "/main.py"
BUILT, SOURCE = f"{CORS_MODULE}.mpy", f"{CORS_MODULE}.py"
# The password is compared by a salted hash, and never leaves the board as text.
_READ = (
    firmware_imports("json", "os", "hashlib", "binascii")
    + """
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
)


@dataclass(frozen=True)
class Flash:
    """``present`` are the relevant paths that exist, ``hiding`` those that are imported instead of deployed ones.

    ``ssid`` and ``origins`` come from the board's settings file; ``settings`` is "missing", "broken" or empty.
    ``same_password`` is whether the board has the password of this computer's settings.
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


def read_flash(session: Session, settings: Settings, wifi: Wifi | None) -> Flash:
    """Read the flash of a board in its raw REPL.

    Raises SettingsError for settings without an application, and whatever the session raises.
    """
    paths = merge(contents_for(settings, agent=False).layers)
    built = [path if path in SOURCE_ONLY else path.replace(".py", ".mpy") for path in paths]
    hidden, salt = hiding_paths(built), secrets.token_bytes(16)
    wanted = sorted({*hidden, MAIN, BUILT, SOURCE})
    answer = session.ask(_READ.format(paths=wanted, settings=SETTINGS_FILE, salt=salt))
    present = frozenset(answer["there"])
    password = hashlib.sha256(salt + wifi.password.encode()).hexdigest() if wifi else ""
    return Flash(
        present=present,
        hiding=tuple(path for path in hidden if path in present) if BUILT in present else (),
        ssid=answer.get("ssid") or "",
        origins=answer.get("origins"),
        settings=answer.get("settings", ""),
        same_password=answer.get("word") == password,
    )


def flash_checks(flash: Flash, wifi: Wifi | None, port: str, deploy_command: str) -> Iterator[Check]:
    """The checks of a flash that has an application; ``deploy_command`` writes library and settings again."""
    if flash.hiding:
        remove = shlex.join(["mpremote", "connect", port, "fs", "rm", "-r", f":{flash.hiding[0]}"])
        finding = f"{flash.hiding[0]} is imported instead of the deployed module"
        yield Check("files", State.WRONG, finding, "remove it", remove)
    elif not flash.present & {BUILT, SOURCE}:
        finding = "there is an application, but no CORS library in /lib"
        yield Check("files", State.NOTE, finding, "add it", deploy_command)
    else:
        yield Check("files", State.OK, "application, library" + ("" if flash.settings else ", settings"))
    rewrite = "write them again"
    if wifi is None:
        rewrite = "set CAMRIG_WIFI_SSID and CAMRIG_WIFI_PASSWORD, or write camrig.wifi.toml, then deploy"
    if flash.settings == "broken":
        finding = f"{SETTINGS_FILE} on the board is not valid JSON"
        yield Check("files", State.WRONG, finding, rewrite, deploy_command)
    elif not flash.ssid:
        finding = f"the board has no Wi-Fi settings in {SETTINGS_FILE}"
        yield Check("files", State.WRONG, finding, rewrite, deploy_command)
    elif wifi is not None and not (wifi.ssid == flash.ssid and flash.same_password):
        setting = "password" if wifi.ssid == flash.ssid else f"network, {flash.ssid!r},"
        finding = f"the board has another Wi-Fi {setting} than this computer's settings"
        yield Check("files", State.NOTE, finding, "if these are right, write them to the board", deploy_command)
