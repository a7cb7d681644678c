"""The settings file, and the reset cause kept by boot.py."""

from __future__ import annotations

import runpy
import sys

import pytest


def test_settings_are_defaults_without_a_file(device, tmp_path):
    assert device("config").load(str(tmp_path / "none.json")) == {
        "wifi": None,
        "port": 8080,
        "cors": {"allowed_origins": []},
        "camera": {},
        "power_save": False,
    }


def test_settings_of_the_application_are_the_defaults(device, device_folder):
    defaults = device("config").load(str(device_folder / "none.json"))
    assert device("config").load(str(device_folder / "camrig.json")) == defaults


def test_file_overrides_defaults(device, tmp_path):
    file = tmp_path / "camrig.json"
    file.write_text('{"wifi": {"ssid": "workshop", "password": "w"}, "port": 80, "cors": {"max_age": 60}}')
    settings = device("config").load(str(file))
    assert settings["port"] == 80
    assert settings["cors"] == {"max_age": 60}
    assert settings["camera"] == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[1]", "must hold a JSON object"),
        ('{"port": "80"}', "'port' must be a number"),
        ('{"port": true}', "'port' must be a number"),
        ('{"power_save": "off"}', "'power_save' must be true or false"),
        ('{"power_save": 0}', "'power_save' must be true or false"),
        ('{"cors": []}', "'cors' must be an object"),
        ('{"cors": false}', "'cors' must be an object"),
        ('{"camera": 0}', "'camera' must be an object"),
        ('{"camera": null}', "'camera' must be an object"),
        ('{"wifi": "workshop"}', "'wifi' must be an object"),
        ('{"wifi": {"ssid": 5}}', "'wifi' must be an object"),
    ],
)
def test_invalid_file_is_an_error(device, tmp_path, text, message):
    file = tmp_path / "camrig.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        device("config").load(str(file))


@pytest.mark.parametrize(("value", "name"), [(1, "pwron"), (2, "hard"), (3, "wdt"), (5, "soft"), (9, "unknown")])
def test_boot_keeps_the_reset_cause(device, device_folder, firmware, monkeypatch, capsys, value, name):
    constants = {"PWRON_RESET": 1, "HARD_RESET": 2, "WDT_RESET": 3, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5}
    firmware("machine", reset_cause=lambda: value, **constants)
    monkeypatch.setattr(sys.modules["__main__"], "reset_cause", None, raising=False)
    runpy.run_path(str(device_folder / "boot.py"))
    assert capsys.readouterr().out == f"camrig: reset cause {name}\n"
    assert device("config").reset_cause() == name


def test_reset_cause_is_unknown_if_boot_did_not_run(device):
    assert device("config").reset_cause() == "unknown"
