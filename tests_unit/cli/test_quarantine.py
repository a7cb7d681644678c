"""``camrig quarantine`` and what other commands do with a board that is set aside."""

from __future__ import annotations

import json

import pytest
from camrig.virtual.board import VirtualBoard, VirtualConfig

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}


@pytest.fixture(autouse=True)
def runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bad"], "no board is named"),
        (["--clear"], "no board is named"),
        (["--device", "sim"], "needs a reason"),
        (["--device", "sim", " "], "needs a reason"),
        (["--device", "sim", "--clear", "bad"], "leave out one"),
        (["--device", "sim", "bad"], "no virtual board is kept"),
        (["--device", "/dev/ttyNONE", "bad"], "no port /dev/ttyNONE"),
    ],
)
def test_a_wrong_command_is_one_sentence(command, words, sentence):
    ended = command("quarantine", *words)
    assert ended.code in (4, 6)
    assert sentence.lower() in ended.out.lower()
    assert len(ended.out.splitlines()) == 1


def test_a_board_that_is_not_attached_is_set_aside_and_let_go_by_its_mac(command):
    mac = "24:6F:28:AA:10:C4"
    assert command("quarantine", "--device", f"mac:{mac}", "sent", "to", "\x1b[2Jrepair").code == 0
    listed = command("quarantine").out
    assert "by hand: sent to" in listed
    assert "\x1b" not in listed
    (board,) = json.loads(command("quarantine", "--json").out)
    assert board["quarantined"]["by"] == "hand"
    assert "cleared" in command("quarantine", "--device", mac, "--clear").out
    assert "nothing to clear" in command("quarantine", "--device", mac, "--clear").out
    assert "no board is quarantined" in command("quarantine").out


def test_no_run_touches_a_quarantined_board_until_a_doctor_is_content(command):
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])) as board:
        device = ("--device", board.path)
        board.fault("reset@exec*1")
        assert command("quarantine", *device, "its socket is loose").code == 0
        blocked = command("deploy", *device, env=WIFI)
        assert blocked.code == 6
        assert "by hand: its socket is loose. Run camrig doctor" in blocked.out
        assert board.struck() == ()  # nothing ran on it
        assert "quarantined since" in command("devices", *device).out
        board.clear()
        ill = command("doctor", *device, env=WIFI)  # there is no application on the board
        assert ill.code == 6
        assert "cleared if all is well below" in " ".join(ill.out.split())
        assert "its socket is loose" in command("quarantine").out
        sound = command("doctor", "--deploy", *device, env=WIFI)
        assert sound.code == 0, sound.out
        assert "runs may use it again" in " ".join(sound.out.split())
        assert "no board is quarantined" in command("quarantine").out
