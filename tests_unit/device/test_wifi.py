"""Joining a network: the radio's answers, and the console lines that follow from them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010


class Radio:
    """A station interface that walks through one list of statuses per ``connect``; the last one stays."""

    PM_NONE, PM_PERFORMANCE = 0, 1

    def __init__(self, *attempts: list[int]) -> None:
        self.attempts = list(attempts)
        self.now: list[int] = [IDLE]
        self.joined: list[tuple[str, str]] = []
        self.left = 0
        self.settings: dict[str, Any] = {"pm": 1, "channel": 6}

    def __call__(self, interface: int) -> Radio:
        return self

    def active(self, on: bool) -> None:
        pass

    def connect(self, ssid: str, password: str) -> None:
        self.joined.append((ssid, password))
        self.settings["ssid"] = ssid
        self.now = list(self.attempts.pop(0) if self.attempts else [CONNECTING])

    def disconnect(self) -> None:
        self.left += 1
        self.now = [IDLE]

    def isconnected(self) -> bool:
        # Each call is one step in time.
        return (self.now.pop(0) if len(self.now) > 1 else self.now[0]) == GOT_IP

    def status(self, name: str | None = None) -> int:
        if name == "rssi":
            return -57
        return self.now[0]

    def config(self, *names: str, **values: Any) -> Any:
        self.settings.update(values)
        for name in names:
            if name not in self.settings:
                raise ValueError("unknown config param")
            return self.settings[name]
        return None

    def ifconfig(self) -> tuple[str, ...]:
        return ("10.0.0.7", "255.255.255.0", "10.0.0.1", "10.0.0.1")


@pytest.fixture
def join(device, firmware, monkeypatch):
    """``join(radio, timeout_s)`` with a network module around the radio, and without sleeping."""

    def call(radio: Any, timeout_s: float = 20, ssid: str = "workshop", **options: Any) -> Any:
        firmware("network", WLAN=radio, STA_IF=0, STAT_IDLE=IDLE, STAT_CONNECTING=CONNECTING, STAT_GOT_IP=GOT_IP)
        wifi = device("wifi")
        slept: list[float] = []
        monkeypatch.setattr(wifi, "time", SimpleNamespace(sleep=slept.append))
        call.slept = slept
        return wifi.join(ssid, "s3cret-word", timeout_s, **options)

    return call


def test_joined_network_is_printed(join, capsys):
    radio = Radio([CONNECTING, CONNECTING, GOT_IP])
    assert join(radio) == "10.0.0.7"
    assert capsys.readouterr().out.splitlines() == [
        "camrig: wifi joining workshop",
        "camrig: wifi connected 10.0.0.7 rssi -57 channel 6 pm 0",
    ]
    assert radio.joined == [("workshop", "s3cret-word")]


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("sleeps", [False, True])
def test_the_radio_saves_power_only_if_set_whatever_it_did_before(join, capsys, before, sleeps):
    radio = Radio([GOT_IP])
    radio.settings["pm"] = before
    join(radio, sleeps=sleeps)
    assert radio.settings["pm"] == sleeps
    assert capsys.readouterr().out.endswith(f"pm {int(sleeps)}\n")


def test_firmware_that_cannot_switch_power_save_keeps_its_mode(join, capsys, monkeypatch):
    for name in ("PM_NONE", "PM_PERFORMANCE"):
        monkeypatch.delattr(Radio, name)
    join(Radio([GOT_IP]), sleeps=True)
    assert capsys.readouterr().out.endswith("pm 1\n")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(201, "no-such-network"), (202, "wrong-password"), (210, "wrong-password"), (203, "refused 203")],
)
def test_lasting_failure_is_printed_before_the_timeout(join, capsys, status, reason):
    radio = Radio([CONNECTING] * 5 + [status])
    with pytest.raises(OSError, match=reason):
        join(radio)
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"camrig: wifi failed {reason}"
    assert "s3cret" not in out
    assert sum(join.slept) < 6
    assert radio.now == [IDLE]  # the driver no longer retries


@pytest.mark.parametrize("stale", [201, 202, 15, 205])
def test_short_or_stale_failure_is_ignored(join, capsys, stale):
    radio = Radio([stale] * 20 + [CONNECTING, GOT_IP])
    assert join(radio) == "10.0.0.7"
    assert "failed" not in capsys.readouterr().out
    assert len(radio.joined) == 1


def test_driver_retries_twice_to_join_and_without_limit_later(join):
    limits = []

    class Listening(Radio):
        def config(self, *names: str, **values: Any) -> Any:
            limits.extend(value for name, value in values.items() if name == "reconnects")
            return super().config(*names, **values)

    join(Listening([CONNECTING, GOT_IP]))
    assert limits == [2, -1]


def test_no_status_ends_in_a_timeout(join, capsys):
    with pytest.raises(OSError, match="timeout"):
        join(Radio([CONNECTING]), timeout_s=3)
    assert capsys.readouterr().out.endswith("camrig: wifi failed timeout\n")
    assert sum(join.slept) == pytest.approx(3)


def test_timeout_after_a_failure_names_the_failure(join, capsys):
    with pytest.raises(OSError, match="no-such-network"):
        join(Radio([CONNECTING, 201]), timeout_s=3)


def test_association_that_survived_a_soft_reset_is_used(join):
    radio = Radio()
    radio.now, radio.settings["ssid"] = [GOT_IP], "workshop"
    assert join(radio) == "10.0.0.7"
    assert radio.joined == []
    assert radio.left == 0


def test_association_with_another_network_is_replaced(join):
    radio = Radio([CONNECTING, GOT_IP])
    radio.now, radio.settings["ssid"] = [GOT_IP], "kitchen"
    assert join(radio) == "10.0.0.7"
    assert radio.left == 1
    assert radio.joined[0][0] == "workshop"


def test_unknown_figures_of_old_firmware_are_question_marks(join, capsys):
    class Old(Radio):
        def config(self, *names: str, **values: Any) -> Any:
            if names == ("essid",):
                return "workshop"
            raise ValueError("unknown config param")

        def status(self, name: str | None = None) -> int:
            if name:
                raise TypeError("too many arguments")
            return super().status()

    radio = Old()
    radio.now = [GOT_IP]
    join(radio)
    assert capsys.readouterr().out.endswith("camrig: wifi connected 10.0.0.7 rssi ? channel ? pm ?\n")
    assert radio.joined == []


class Busy(Radio):
    """A driver that refuses the first ``refusals`` calls of connect."""

    def __init__(self, refusals: int, *attempts: list[int]) -> None:
        super().__init__(*attempts)
        self.refusals = refusals

    def connect(self, ssid: str, password: str) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            raise OSError("Wifi Internal State Error")
        super().connect(ssid, password)


def test_connect_is_repeated_while_the_driver_is_busy(join):
    assert join(Busy(3, [CONNECTING, GOT_IP])) == "10.0.0.7"


def test_driver_that_is_always_busy_is_a_failure(join):
    with pytest.raises(OSError, match="refused driver"):
        join(Busy(999), timeout_s=2)


def test_waits_for_a_slow_end_of_the_old_association(join):
    class Lingering(Radio):
        def disconnect(self) -> None:
            self.left += 1
            self.now = [GOT_IP, GOT_IP, 8]

    radio = Lingering([8, CONNECTING, GOT_IP])
    radio.now, radio.settings["ssid"] = [GOT_IP], "kitchen"
    assert join(radio) == "10.0.0.7"
    assert [ssid for ssid, _ in radio.joined] == ["workshop"]


def test_board_without_a_radio_is_a_failure(device, capsys):
    wifi = device("wifi")
    with pytest.raises(wifi.JoinError):
        wifi.join("workshop", "s3cret-word")
    assert (wifi.rssi(), wifi.channel(), wifi.power_save()) == (None, None, None)
    assert capsys.readouterr().out.endswith("camrig: wifi failed refused no-radio\n")
