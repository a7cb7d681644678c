"""The radio of a board that sees exactly one access point."""

import time

import switches
import wire

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_BEACON_TIMEOUT = 200
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3

_CONNECT_MS = 30
_NOWHERE = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

_board = None
_name = "mpy-esp32"


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _made = {}

    def __new__(cls, interface=0):
        if interface not in (0, 1):
            raise ValueError("invalid WLAN interface identifier")
        if interface not in cls._made:
            cls._made[interface] = object.__new__(cls)
            cls._made[interface]._reset(interface)
        return cls._made[interface]

    def __init__(self, interface=0):
        pass

    def _reset(self, interface):
        self._ap = interface == AP_IF
        joined = _board["joined"] and not self._ap
        self._on = joined
        self._outcome = STAT_GOT_IP if joined else STAT_IDLE
        self._asked = None
        self._settings = {"pm": 1, "channel": 6, "reconnects": -1, "txpower": 20, "ssid": ""}
        if joined:
            self._settings["ssid"] = _board["ssid"]

    def active(self, on=None):
        if on is None:
            return self._on
        if on and self._ap:
            raise OSError("the virtual board has no access point of its own")
        self._on = bool(on)
        if not on:
            self._leave()
        return self._on

    def connect(self, ssid=None, key=None, **other):
        if not self._on:
            raise OSError("Wifi Not Started")
        ssid = _text(ssid if ssid is not None else self._settings["ssid"])
        self._leave()
        self._settings["ssid"] = ssid
        self._asked = time.ticks_ms()
        self._takes = _CONNECT_MS + switches.get("slow_ms")
        refused = switches.get("refuse")
        if ssid != _board["ssid"] or switches.get("away"):
            self._outcome = STAT_NO_AP_FOUND
        elif refused:
            self._outcome = refused
        elif _text(key or "") != _board["password"]:
            self._outcome = STAT_WRONG_PASSWORD
        else:
            self._outcome = STAT_GOT_IP

    def _leave(self):
        if not self._ap and self._outcome == STAT_GOT_IP:
            wire.request("w")
        self._outcome = STAT_IDLE
        self._asked = None

    def disconnect(self):
        self._leave()

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, what=None):
        if what == "rssi":
            if not self.isconnected():
                raise OSError("Wifi Not Connected")
            return -42
        if what is not None:
            raise ValueError("unknown status param")
        if self._asked is not None:
            if time.ticks_diff(time.ticks_ms(), self._asked) < self._takes:
                return STAT_CONNECTING
            self._asked = None
            if self._outcome == STAT_GOT_IP:
                switches.event("W", True)
        if self._outcome == STAT_GOT_IP and switches.get("away"):
            return STAT_BEACON_TIMEOUT
        return self._outcome

    def ifconfig(self, *settings):
        if settings:
            return None
        if not self.isconnected():
            return _NOWHERE
        return (_board["address"], "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def ipconfig(self, what=None, **settings):
        if what is None:
            return None
        address = self.ifconfig()
        if what == "addr4":
            return address[0], address[1]
        if what == "gw4":
            return address[2]
        if what == "has_dhcp4":
            return self.isconnected()
        raise ValueError("unknown config param")

    def config(self, *what, **settings):
        if settings:
            for name, value in settings.items():
                if name in ("hostname", "dhcp_hostname"):
                    hostname(value)
                else:
                    self._settings[name] = value
            return None
        name = what[0]
        if name == "mac":
            return bytes(_board["mac"])
        if name in ("hostname", "dhcp_hostname"):
            return _name
        if name == "essid":
            name = "ssid"
        if name not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[name]

    def scan(self):
        if not self._on:
            raise OSError("Wifi Not Started")
        time.sleep_ms(_CONNECT_MS)
        if switches.get("away"):
            return []
        return [(_board["ssid"].encode(), b"\x02camrg", 6, -42, AUTH_WPA2_PSK, False)]


def power_on(board):
    global _board
    _board = {name: board[name] for name in ("ssid", "password", "address", "mac", "joined")}


def hostname(new=None):
    global _name
    if new is None:
        return _name
    _name = _text(new)
    return None


def country(code=None):
    return "XX" if code is None else None


def _text(value):
    return value if isinstance(value, str) else str(value, "utf8")
