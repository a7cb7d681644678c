"""``network``: the radio of a board in reach of exactly one access point."""

import time

import fault_cells
import supervisor_channel

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
_NO_ADDRESS = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

_board = None
_name = "mpy-esp32"


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _interfaces = {}

    def __new__(cls, interface=0):
        if interface not in (0, 1):
            raise ValueError("invalid WLAN interface identifier")
        if interface not in cls._interfaces:
            cls._interfaces[interface] = object.__new__(cls)
            cls._interfaces[interface]._reset(interface)
        return cls._interfaces[interface]

    def __init__(self, interface=0):
        pass

    def _reset(self, interface):
        self._ap = interface == AP_IF
        joined = _board["joined"] and not self._ap
        self._on = joined
        self._result = STAT_GOT_IP if joined else STAT_IDLE
        self._connect_at = None
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

    def connect(self, ssid=None, key=None, **options):
        if not self._on:
            raise OSError("Wifi Not Started")
        ssid = _text(ssid if ssid is not None else self._settings["ssid"])
        self._leave()
        self._settings["ssid"] = ssid
        self._connect_at = time.ticks_ms()
        self._connect_ms = _CONNECT_MS + fault_cells.get("slow_ms")
        refused = fault_cells.get("refuse")
        if ssid != _board["ssid"] or fault_cells.get("away"):
            self._result = STAT_NO_AP_FOUND
        elif refused:
            self._result = refused
        elif _text(key or "") != _board["password"]:
            self._result = STAT_WRONG_PASSWORD
        else:
            self._result = STAT_GOT_IP

    def _leave(self):
        if not self._ap and self._result == STAT_GOT_IP:
            supervisor_channel.request("w")
        self._result = STAT_IDLE
        self._connect_at = None

    def disconnect(self):
        self._leave()

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, param=None):
        if param == "rssi":
            if not self.isconnected():
                raise OSError("Wifi Not Connected")
            return -(fault_cells.get("rssi") or 42)
        if param is not None:
            raise ValueError("unknown status param")
        if self._connect_at is not None:
            if time.ticks_diff(time.ticks_ms(), self._connect_at) < self._connect_ms:
                return STAT_CONNECTING
            self._connect_at = None
            if self._result == STAT_GOT_IP:
                fault_cells.event("W", True)
        if self._result == STAT_GOT_IP and fault_cells.get("away"):
            return STAT_BEACON_TIMEOUT
        return self._result

    def ifconfig(self, *settings):
        if settings:
            return None
        if not self.isconnected():
            return _NO_ADDRESS
        return (_board["address"], "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def ipconfig(self, param=None, **settings):
        if param is None:
            return None
        address = self.ifconfig()
        if param == "addr4":
            return address[0], address[1]
        if param == "gw4":
            return address[2]
        if param == "has_dhcp4":
            return self.isconnected()
        raise ValueError("unknown config param")

    def config(self, *params, **settings):
        if settings:
            for name, value in settings.items():
                if name in ("hostname", "dhcp_hostname"):
                    hostname(value)
                else:
                    self._settings[name] = value
            return None
        name = params[0]
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
        if fault_cells.get("away"):
            return []
        return [(_board["ssid"].encode(), b"\x02camrg", 6, -42, AUTH_WPA2_PSK, False)]


def power_on(board):
    global _board
    _board = {name: board[name] for name in ("ssid", "password", "address", "mac", "joined")}


def hostname(name=None):
    global _name
    if name is None:
        return _name
    _name = _text(name)
    return None


def country(code=None):
    return "XX" if code is None else None


def _text(value):
    return value if isinstance(value, str) else str(value, "utf8")
