"""A flag wins over the environment, the environment over the config file, and mistakes are named."""

from __future__ import annotations

import pytest
from camrig.errors import SettingsError
from camrig.probe.browser.executable import VARIABLE
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings, resolve
from camrig.settings.wifi import Wifi


def test_defaults_are_the_virtual_board_and_camrigs_own_cargo(tmp_path):
    settings = resolve({}, {}, tmp_path)
    assert settings.device == ("sim",)
    assert (settings.app / "main.py").is_file()
    assert (settings.lib / "microdot" / "cors.py").is_file()
    assert settings.agent.name == "rig_agent.py"
    assert settings.wifi is None


def test_flag_wins_over_environment_wins_over_file(tmp_path):
    (tmp_path / "camrig.toml").write_text('device = "/dev/file"\nport = 81\nsim-heap = "1M"\n')
    env = {"CAMRIG_DEVICE": "/dev/env", "CAMRIG_PORT": "82"}
    settings = resolve({"device": ["/dev/flag"]}, env, tmp_path)
    assert settings.device == ("/dev/flag",)
    assert settings.port == 82
    assert settings.sim_heap.text == "1M"


def test_the_names_other_tools_use_are_honoured(tmp_path):
    settings = resolve({}, {"ESPPORT": "/dev/esp", "ESPBAUD": "921600"}, tmp_path)
    assert (settings.device, settings.baud) == (("/dev/esp",), 921600)
    assert resolve({}, {"ESPPORT": "/dev/esp", "CAMRIG_DEVICE": "sim"}, tmp_path).device == ("sim",)


def test_a_list_of_devices_is_kept_in_order(tmp_path):
    (tmp_path / "camrig.toml").write_text('device = ["sim", "/dev/two"]\n')
    assert resolve({}, {}, tmp_path).device == ("sim", "/dev/two")


def test_a_device_given_twice_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="--device sim is given more than once"):
        resolve({"device": ["sim", "/dev/two", "sim"]}, {}, tmp_path)


def test_each_device_has_an_address_of_its_own(tmp_path):
    flags = {"device": ["/dev/a", "/dev/b"], "url": ["http://localhost:8080", "http://localhost:8081"]}
    settings = resolve(flags, {}, tmp_path)
    assert [settings.url_of(spec) for spec in settings.device] == flags["url"]
    assert resolve({"device": flags["device"]}, {}, tmp_path).url_of("/dev/b") is None
    with pytest.raises(SettingsError, match="1 times for 2 devices"):
        resolve({**flags, "url": flags["url"][:1]}, {}, tmp_path)


def test_paths_in_the_file_are_relative_to_it(tmp_path):
    (tmp_path / "firmware" / "lib").mkdir(parents=True)
    (tmp_path / "suite").mkdir()
    (tmp_path / "new.bin").touch()
    lines = ('results = "out"', 'lib = "firmware/lib"', 'app = "firmware"', 'firmware = "new.bin"', 'elf = "new.bin"')
    (tmp_path / "camrig.toml").write_text("\n".join(lines))
    settings = resolve({}, {}, tmp_path / "suite")
    assert (settings.results, settings.lib, settings.app) == (
        tmp_path / "out",
        tmp_path / "firmware/lib",
        tmp_path / "firmware",
    )
    assert (settings.firmware, settings.elf) == (tmp_path / "new.bin", tmp_path / "new.bin")
    (tmp_path / "camrig.toml").write_text('lib = "suite/lib"\n')
    with pytest.raises(SettingsError, match=rf"camrig.toml: lib: '{tmp_path}/suite/lib' is not a folder"):
        resolve({}, {}, tmp_path / "suite")


def test_config_files_are_the_nearest_up_to_the_repository_root(tmp_path):
    (tmp_path / "camrig.toml").write_text("port = 1\n")
    (tmp_path / "camrig.wifi.toml").write_text('ssid = "outer"\n')
    inner = tmp_path / "work" / "suite"
    inner.mkdir(parents=True)
    settings = resolve({}, {}, inner)
    assert (settings.port, settings.config) == (1, tmp_path / "camrig.toml")
    assert settings.wifi == Wifi("outer")
    assert settings.baselines == tmp_path / "results" / "baselines"
    (inner / "camrig.toml").write_text("port = 2\n")
    assert resolve({}, {}, inner).port == 2
    (inner / "camrig.toml").unlink()
    (tmp_path / "work" / ".git").mkdir()
    settings = resolve({}, {}, inner)
    assert (settings.port, settings.wifi, settings.config) == (8080, None, None)
    assert settings.results == tmp_path / "work" / "results"


def test_config_files_beside_the_tests_count_where_the_folder_has_none(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "tests" / "camrig.toml").write_text("port = 1\n")
    assert resolve({}, {}, tmp_path / "here", tmp_path / "tests").port == 1
    (tmp_path / "here" / "camrig.toml").write_text("port = 2\n")
    assert resolve({}, {}, tmp_path / "here", tmp_path / "tests").port == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('devise = "sim"', ["devise", "device"]),
        ("port = 99999", ["camrig.toml", "65535"]),
        ("port = ", ["camrig.toml", "TOML"]),
        ("baud = true", ["camrig.toml", "whole number"]),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path, text, words):
    (tmp_path / "camrig.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        resolve({}, {}, tmp_path)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if not option.switch], ids=lambda option: option.name
)
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_value_is_an_error(tmp_path, option, text):
    flags = {option.name: [text] if option.many else text}
    with pytest.raises(SettingsError, match=f"{option.flag} is empty"):
        resolve(flags, {}, tmp_path)
    (tmp_path / "camrig.toml").write_text(f'{option.name} = "{text}"\n')
    with pytest.raises(SettingsError, match=f"camrig.toml: {option.name} is empty"):
        resolve({}, {}, tmp_path)


def test_an_empty_variable_counts_as_unset_and_an_empty_list_does_not(tmp_path):
    assert resolve({}, {"CAMRIG_DEVICE": "", "CAMRIG_COMPARE": ""}, tmp_path).device == ("sim",)
    (tmp_path / "camrig.toml").write_text("device = []\n")
    with pytest.raises(SettingsError, match="device is empty"):
        resolve({}, {}, tmp_path)


def test_wifi_from_the_environment_or_its_own_file(tmp_path):
    assert resolve({}, {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "pw"}, tmp_path).wifi == Wifi("lab", "pw")
    (tmp_path / "camrig.wifi.toml").write_text('ssid = "home"\npassword = "secret"\n')
    assert resolve({}, {}, tmp_path).wifi == Wifi("home", "secret")


@pytest.mark.parametrize("text", ["", 'ssid = ""', 'sid = "x"', "ssid = 5", "ssid ="])
def test_mistakes_in_the_wifi_file_are_named(tmp_path, text):
    (tmp_path / "camrig.wifi.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"camrig\.wifi\.toml"):
        resolve({}, {}, tmp_path)


def test_a_password_alone_is_a_mistake(tmp_path):
    with pytest.raises(SettingsError, match="CAMRIG_WIFI_SSID"):
        resolve({}, {"CAMRIG_WIFI_PASSWORD": "pw"}, tmp_path)


def test_no_representation_shows_the_password(tmp_path):
    settings = resolve({}, {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "hush-hush"}, tmp_path)
    assert "hush-hush" not in f"{settings!r} {settings} {settings.wifi}"


def test_every_option_is_a_field_and_every_flag_has_its_variable():
    for option in OPTIONS:
        assert option.name in Settings.__dataclass_fields__
        variable = "CAMRIG_" + option.flag.removeprefix("--").removeprefix("hil-").replace("-", "_").upper()
        assert option.env[:1] == (() if variable == VARIABLE else (variable,))  # that one names the browser's program


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wait = " + "9" * 5000, "not valid TOML"),
        ("wait = " + "[" * 100_000, "not valid TOML"),
        ("a." * 100_000 + "b = 1", "not valid TOML"),
        ("a." * 100 + "b = 1", "tables in each other"),
        ('results = "a\\u0000b"', "is not a path"),
        ('lib = "' + "x" * 5000 + '"', "too long"),
        ('baselines = "~no-such-user/x"', "unknown user"),
        ("\ufeffwait = 1", "byte-order mark"),
        ("wait = nan", "more than 0"),
        ("x" * 5000 + " = 1", "x…"),
    ],
)
def test_no_text_of_the_file_is_more_than_an_error(tmp_path, text, words):
    (tmp_path / "camrig.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words) as raised:
        resolve({}, {}, tmp_path)
    assert len(str(raised.value)) < 1000 + len(str(tmp_path))


@pytest.mark.parametrize(("ssid", "password"), [("x" * 33, "y"), ("lab", "y" * 65)])
def test_wifi_settings_that_no_network_has_are_refused(tmp_path, ssid, password):
    with pytest.raises(SettingsError, match="cannot be right") as raised:
        resolve({}, {"CAMRIG_WIFI_SSID": ssid, "CAMRIG_WIFI_PASSWORD": password}, tmp_path)
    assert password not in str(raised.value)
