"""Settings of the two sides: files, what they may change, and in what they differ."""

from __future__ import annotations

import json

import pytest
from camrig.compare.side_settings import differing, differs_in_power_save, find_settings, scalar
from camrig.deploy.board_settings import merged
from camrig.errors import SettingsError
from camrig.redaction import hide
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.conftest import ROOT

OWN = {
    "power_save": False,
    "camera": {},
    "rate": 10,
    "title": "cam",
    "pins": [1],
    "later": None,
    "led": {"level": 5, "upload_token": "t"},
    "cors": {"max_age": 60},
    "wifi": {"ssid": "x"},
    "port": 80,
}


@pytest.fixture
def find(tmp_path):
    """``find(changes)``: the settings of an application with the changes in a file; text is the file itself."""
    (tmp_path / "camrig.json").write_text(json.dumps(OWN))

    def call(changes, name="side.json"):
        if changes is None:
            return find_settings(tmp_path, None)
        path = tmp_path / name
        path.write_text(changes if isinstance(changes, str) else json.dumps(changes))
        return find_settings(tmp_path, str(path))

    return call


def test_only_what_a_file_names_differs_from_the_own_settings(find):
    candidate = find({"power_save": True, "led": {"level": 6}, "rate": 10})
    assert differing(candidate, find(None)) == {"led.level": (6, 5), "power_save": (True, False)}
    assert candidate.values["led"] == {"level": 6, "upload_token": "t"}


def test_toml_and_json_say_the_same(find):
    sides = find("power_save = true\n[camera]\nframe_size = 'VGA'", "a.toml"), find(None)
    assert differing(*sides) == {
        "camera": (None, {}),
        "camera.frame_size": ("VGA", None),
        "power_save": (True, False),
    }
    assert differs_in_power_save({"radio.power_save": ()})
    assert not differs_in_power_save({"power_save_led": ()})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"powersave": True}, "no setting 'powersave', did you mean power_save"),
        ({"led": {"levl": 1}}, "no setting 'led.levl', did you mean led.level"),
        ({"power_save": 1}, "power_save in .* is a number, but the application's own is true or false"),
        ({"rate": True}, "rate in .* is true or false, but the application's own is a number"),
        ({"rate": None}, "is null"),
        ({"title": 5}, "is a number, but the application's own is a text"),
        ({"pins": {"a": 1}}, "is an object, but the application's own is a list"),
        ({"camera": "VGA"}, "is a text, but the application's own is an object"),
        ("[1]", "not a JSON object"),
        ('{"rate": }', "not valid JSON"),
        ('{"rate": 1, "rate": 2}', "not valid JSON"),
        ("﻿{}", "byte-order mark"),
        ('{"rate": NaN}', "value that JSON cannot hold"),
        ('{"camera": {"a": [Infinity]}}', "value that JSON cannot hold"),
        ({"port": 81}, "port in .* belongs to the bench"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(find, changes, words):
    with pytest.raises(SettingsError, match=words) as raised:
        find(changes)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"), [("rate = ", "not valid TOML"), ("later = 2026-01-01", "JSON cannot hold")]
)
def test_toml_that_cannot_be_used_is_refused(find, text, words):
    with pytest.raises(SettingsError, match=words):
        find(text, "side.toml")


@pytest.mark.parametrize("name", ["none.json", "none.toml", "side.yaml", "."])
def test_a_file_that_is_missing_or_of_another_format_is_refused(tmp_path, name):
    (tmp_path / "camrig.json").write_text(json.dumps(OWN))
    (tmp_path / "side.yaml").write_text("{}")
    with pytest.raises(SettingsError):
        find_settings(tmp_path, str(tmp_path / name))


def test_wifi_is_refused_and_never_shown(find):
    with pytest.raises(SettingsError, match="belongs to the bench") as raised:
        find({"wifi": {"ssid": "attic-net", "password": "open-sesame-77"}})
    assert "sesame" not in str(raised.value)
    assert hide("a console that says open-sesame-77") == "a console that says ***"


def test_values_of_secret_names_are_hidden_everywhere(find):
    find({"led": {"upload_token": "tok-5921-x"}})
    assert "5921" not in hide("sent tok-5921-x")


@pytest.mark.parametrize("value", [["tok-5921-x"], [{"id": "tok-5921-x"}], [["a", "tok-5921-x"]]])
def test_secrets_in_lists_are_hidden_too(tmp_path, value):
    (tmp_path / "camrig.json").write_text(json.dumps({"upload_tokens": value}))
    find_settings(tmp_path, None)
    assert "5921" not in hide("sent tok-5921-x")


@pytest.mark.parametrize("text", [None, "{}", '{"wifi": {}, "port": 8080}'])
def test_an_application_without_settings_has_nothing_to_compare(tmp_path, text):
    if text is not None:
        (tmp_path / "camrig.json").write_text(text)
    with pytest.raises(SettingsError, match=r"has no camrig.json with settings of its own"):
        find_settings(tmp_path, None)


def test_what_the_config_file_changes_holds_for_both_sides(tmp_path):
    (tmp_path / "camrig.json").write_text('{"camera": {"frame_size": "VGA"}, "rate": 1}')
    (tmp_path / "side.toml").write_text("rate = 2")
    own = find_settings(tmp_path, None, {"camera": False})
    side = find_settings(tmp_path, str(tmp_path / "side.toml"), {"camera": False})
    assert (own.values["camera"], side.values["camera"]) == (False, False)
    assert differing(side, own) == {"rate": (2, 1)}


def test_own_settings_that_are_damaged_are_a_usage_error(tmp_path):
    (tmp_path / "camrig.json").write_text("{")
    with pytest.raises(SettingsError, match="cannot be read"):
        find_settings(tmp_path, None)


@pytest.mark.parametrize("changes", [None, {}, {"rate": 10}, {"led": {}}, {"power_save": False, "pins": [1]}])
def test_equal_settings_are_nothing_to_compare(find, changes):
    with pytest.raises(SettingsError, match="there is nothing to compare"):
        differing(find(changes, "a.json"), find(None))


def test_a_policy_of_cors_cannot_be_compared(find):
    with pytest.raises(SettingsError, match=r"cors\.max_age cannot be compared"):
        differing(find({"cors": {"max_age": 61}}), find(None))


def test_the_shipped_application_can_switch_power_save():
    assert find_settings(ROOT / "device", None).values["power_save"] is False


names = st.text("abc", min_size=1, max_size=2)
plain = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=2) | st.lists(st.integers(0, 3), max_size=2)
objects = st.recursive(st.dictionaries(names, plain, max_size=3), lambda inner: st.dictionaries(names, inner | plain))


@given(objects, objects)
def test_a_merge_keeps_what_is_not_named_and_takes_what_is(own, changes):
    def expected(own, changes):
        both = {name: own[name] for name in own if name not in changes}
        for name, value in changes.items():
            nested = isinstance(value, dict) and isinstance(own.get(name), dict)
            both[name] = expected(own[name], value) if nested else value
        return both

    before = json.dumps(own)
    assert merged(own, changes) == expected(own, changes)
    assert json.dumps(own) == before
    assert merged(merged(own, changes), changes) == merged(own, changes)


@given(plain | objects)
def test_values_for_files_are_plain_and_tell_values_apart(value):
    assert scalar(value) is None or isinstance(scalar(value), (str, int, float, bool))
