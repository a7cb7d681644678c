"""Join a Wi-Fi network and print the result on the console, in lines that the rig parses."""

import time

try:
    import network
except ImportError:  # a host, or a board without a radio
    network = None

_POLL_S = 0.1
_FAILED_POLLS = 40  # until a failure counts; an ESP32 needs 2.5 s to find that there is no such network


class JoinError(OSError):
    """The network could not be joined; ``reason`` is the text printed after ``camrig: wifi failed``."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def join(ssid, password, timeout_s=20, sleeps=False):
    """Join the network and return the board's address; raises JoinError. ``sleeps``: the radio may save power.

    Prints ``camrig: wifi joining <ssid>`` and then either ``camrig: wifi connected <ip> rssi <n> channel <n> pm <n>``
    (``?`` where the firmware does not tell) or ``camrig: wifi failed`` with ``no-such-network``, ``wrong-password``,
    ``timeout`` or ``refused <status>``. The password is never printed.
    """
    print("camrig: wifi joining", ssid)
    if network is None:
        return _fail("refused no-radio")
    wlan = _station()
    wlan.active(True)
    _set_power_save(wlan, sleeps)
    # An ESP32 stays associated across a soft reset.
    if not (wlan.isconnected() and _config(wlan, "ssid", "essid") == ssid):
        failure = _associate(wlan, ssid, password, int(timeout_s / _POLL_S))
        if failure:
            _disconnect(wlan)
            return _fail(failure)
    address = wlan.ifconfig()[0]
    figures = ["?" if n is None else n for n in (rssi(), channel(), power_save())]
    print("camrig: wifi connected {} rssi {} channel {} pm {}".format(address, *figures))
    return address


def rssi():
    """Signal strength in dBm, None where unknown."""
    try:
        return _station().status("rssi")
    except (AttributeError, OSError, ValueError, TypeError, RuntimeError):
        return None


def channel():
    """Radio channel, None where unknown."""
    return _config(_station(), "channel")


def power_save():
    """The firmware's number for the power-save mode, None where unknown. It can turn 10 ms of latency into 1,000."""
    return _config(_station(), "pm")


def _station():
    return network and network.WLAN(network.STA_IF)


def _config(wlan, *names):
    for name in names:
        try:
            return wlan.config(name)
        except (AttributeError, OSError, ValueError, TypeError, RuntimeError):
            pass
    return None


def _set_power_save(wlan, on):
    # Set both ways: an ESP32 keeps the mode across a soft reset. If it is refused, power_save() shows it.
    name = "PM_PERFORMANCE" if on else "PM_NONE"
    mode = getattr(wlan, name, getattr(network, name, None))  # of the object: WLAN may be a function
    if mode is not None:
        _set(wlan, pm=mode)


def _set(wlan, **value):
    try:
        wlan.config(**value)
    except (OSError, ValueError, TypeError, RuntimeError):
        pass


def _associate(wlan, ssid, password, polls):
    # Returns None once connected, else the reason. The ESP32's driver retries by itself. Its status may be that of an
    # earlier attempt, even of one before a soft reset, so a failure counts only after it has lasted for some polls.
    # Older firmware reports no failure while it has retries left, so their number is limited. Status 8 follows our
    # own disconnect().
    pending = [8] + [getattr(network, "STAT_" + n, 8) for n in ("IDLE", "CONNECTING", "GOT_IP")]
    polls_left = _FAILED_POLLS
    status = None
    connecting = False
    _disconnect(wlan)
    _set(wlan, reconnects=2)
    for _ in range(polls):
        if not connecting:
            if not wlan.isconnected():  # an earlier association may take a moment to end
                try:
                    wlan.connect(ssid, password)
                    connecting = True
                    status = None
                except OSError:  # the driver is busy: try again
                    status = "driver"
        elif wlan.isconnected():
            _set(wlan, reconnects=-1)  # from now on without limit
            return None
        else:
            current = wlan.status()
            if current not in pending:
                status = current
                polls_left -= 1
                if not polls_left:
                    break
        time.sleep(_POLL_S)
    if status is None:
        return "timeout"
    if status in (201, getattr(network, "STAT_NO_AP_FOUND", 201)):
        return "no-such-network"
    # 210: no access point with compatible security; 15: the four-way handshake failed, the first use of the password.
    if status in (202, 210, 15, getattr(network, "STAT_WRONG_PASSWORD", 202)):
        return "wrong-password"
    return "refused {}".format(status)


def _disconnect(wlan):
    try:
        wlan.disconnect()
    except OSError:
        pass


def _fail(reason):
    print("camrig: wifi failed", reason)
    raise JoinError(reason)
