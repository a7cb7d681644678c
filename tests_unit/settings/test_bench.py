"""The bench file: boards by name, what is different with each, and one sentence for each mistake in it."""

from __future__ import annotations

import datetime
import re
import string

import pytest
from camrig.errors import SettingsError
from camrig.settings.bench import KEYS, normal_mac, parse_bench
from camrig.settings.resolve import resolve
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.conftest import ROOT

BENCH = """
lines = "esp32-cam-mb"
baud = 230400
[board.left]
mac = "24:6F:28:AA:10:C4"
lines = "devkit"
wifi = "basement"
notes = "the one with the wide lens"
[board.right]
serial = "0001"
access_point = "ap-2"
url = "http://localhost:8081"
power = "1-1.4"
[board.third]
device = "sim:slow-chip"
[board.fourth]
device = "rfc2217://attic:4000"
power = ["relay", "cycle", "3"]
"""
WIFI = 'ssid = "lab"\npassword = "hidden-1"\n[network.basement]\nssid = "cellar"\npassword = "hidden-2"\n'


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "camrig.toml").write_text(BENCH)
    (tmp_path / "camrig.wifi.toml").write_text(WIFI)
    return lambda *devices, env=(), **flags: resolve({"device": list(devices), **flags}, dict(env), tmp_path)


def test_each_board_has_its_own_settings_over_the_common_ones(bench):
    settings = bench("left", "right")
    left, right = settings.of_board("left"), settings.of_board("right")
    assert (left.lines.name, left.baud, left.wifi.ssid) == ("devkit", 230400, "cellar")
    assert (right.lines.name, right.baud, right.wifi.ssid) == ("esp32-cam-mb", 230400, "lab")
    assert [settings.url_of(spec) for spec in settings.device] == [None, "http://localhost:8081"]
    assert [settings.access_point(spec) for spec in settings.device] == ["cellar", "ap-2"]
    assert settings.board("left").device == "mac:24:6f:28:aa:10:c4"
    assert settings.board("right").device == "id:0001"
    assert [settings.board(spec).power for spec in settings.bench] == ["", "1-1.4", "", ("relay", "cycle", "3")]


def test_the_settings_of_a_board_are_the_same_object_each_time(bench):
    """A virtual board that was switched on early belongs to just these settings."""
    settings = bench("all")
    assert settings.of_board("left") is settings.of_board("left")
    assert settings.of_board("third") is settings


def test_a_flag_and_a_variable_win_over_the_board(bench):
    env = {"CAMRIG_WIFI_SSID": "field", "CAMRIG_LINES": "dtr-reset"}
    left = bench("left", env=env).of_board("left")
    assert (left.lines.name, left.wifi.ssid) == ("dtr-reset", "field")
    assert bench("left", lines="dtr-reset").of_board("left").lines.name == "dtr-reset"
    assert bench("right", url=["http://localhost:9"]).url_of("right") == "http://localhost:9"


def test_all_names_every_board_once_and_mixes_with_others(bench):
    assert bench("all").device == ("left", "right", "third", "fourth")
    assert bench("right", "all", "sim").device == ("right", "left", "third", "fourth", "sim")
    assert bench("sim", "all").device == ("sim", "left", "right", "third", "fourth")
    assert [bench("all").is_virtual(spec) for spec in ("left", "third")] == [False, True]


def test_a_file_without_boards_leaves_all_to_what_is_attached(tmp_path):
    assert resolve({"device": ["all"]}, {}, tmp_path).device == ("all",)


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        (["lefft"], "--device lefft names neither a board of camrig.toml nor a port. Did you mean left?"),
        (["nowhere"], "--device nowhere names neither .* nor a port. Boards are fourth, left, right, third."),
        (["left", "left"], "--device left is given more than once"),
        (["all", "all"], "--device all is given more than once"),
        (["left", "mac:24-6f-28-aa-10-c4"], "--device left and --device mac:24:6f:28:aa:10:c4 are one board"),
        (["all", "id:0001"], "--device right and --device id:0001 are one board"),
        (["mac:24:6f"], "--device mac:24:6f is not a MAC address"),
    ],
)
def test_a_wrong_device_is_one_sentence(bench, devices, sentence):
    with pytest.raises(SettingsError, match=sentence):
        bench(*devices)


def test_a_port_needs_no_entry(bench):
    for spec in ("/dev/ttyUSB9", "COM3", "auto", "socket://host:1", "labgrid:place", "sim", "id:77"):
        assert bench(spec).device == (spec,)
        assert bench(spec).of_board(spec).baud == 230400


def test_a_network_that_nobody_has_written_down_matters_where_it_is_used(bench, tmp_path):
    (tmp_path / "camrig.wifi.toml").write_text('[network.basment]\nssid = "cellar"\n')
    assert bench("right").of_board("right").wifi is None
    with pytest.raises(SettingsError, match=r"no network 'basement'\. Did you mean basment\?"):
        bench("all")
    (tmp_path / "camrig.wifi.toml").write_text('ssid = "basement"\n')
    assert bench("left").of_board("left").wifi.ssid == "basement"
    (tmp_path / "camrig.wifi.toml").write_text('[network.a]\nsid = "basement"\n')
    with pytest.raises(SettingsError, match=r"\[network.a\] of camrig.wifi.toml has no setting 'sid', did you mean"):
        bench("right")


def test_passwords_are_in_no_representation_of_settings(bench):
    assert "hidden-" not in repr(bench("all"))


def test_a_name_belongs_to_a_mac_in_any_spelling(bench):
    settings = bench("sim")
    assert settings.name_of("/dev/ttyUSB0", "24:6f:28:aa:10:c4") == "left"
    assert settings.name_of("/dev/ttyUSB0", "24:6f:28:aa:10:c5") == settings.name_of("sim", "") == ""
    assert settings.name_of("right", "") == "right"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[board.a]\nmac = "24:6f:28:aa:10:c4"\n[board.b]\nmac = "246F28AA10C4"', "a and b are both mac:24:6f:28:aa"),
        ('[board.a]\nserial = "1"\n[board.b]\ndevice = "id:1"', "one board twice: a and b are both id:1"),
        ('[board.a]\ndevice = "/dev/x"\n[board.b]\ndevice = "/dev/x"', "a and b are both /dev/x"),
        ('[board.a]\nserial="1"\nmac="24:6f:28:aa:10:c4"\n[board.b]\nmac="24:6f:28:aa:10:c4"', "a and b are both"),
        ('[board.a]\nserial = "1"\n[board.a]\nserial = "2"', r"has the table \[board.a\] twice: at line 3"),
        (
            '[board.a]\nserial = "1"\nwiffi = "x"',
            r"\[board.a\] of camrig.toml has no setting 'wiffi', did you mean wifi",
        ),
        ('[board.a]\nnotes = "x"', "board.a does not say which board it is"),
        ('[board.a]\nmac = "24:6f"', "board.a.mac: '24:6f' is not a MAC address"),
        ('[board.a]\nserial = "1"\ndevice = "COM3"', "has both serial and device"),
        ('[board.a]\ndevice = "auto"', "auto is not one certain board"),
        ('[board.a]\ndevice = "sim"\nmac = "24:6f:28:aa:10:c4"', "a virtual board has another MAC in each run"),
        ('[board.a]\ndevice = "sim"\npower = "1-1"', "board.a.power: a virtual board switches its power itself"),
        ('[board.sim]\ndevice = "sim"', "sim has a meaning of its own"),
        ('[board.All]\nserial = "1"', "All has a meaning of its own"),
        ('[board.com3]\nserial = "1"', "com3 has a meaning of its own"),
        ('[board."my board"]\nserial = "1"', "is not a name for a board"),
        ('[board.a.b]\nserial = "1"', r"\[board.a\] of camrig.toml has no setting 'b'"),
        ('[board]\nmac = "24:6f:28:aa:10:c4"', "board.mac is not a table"),
        ("board = 3", "board in camrig.toml is not a table"),
        ('[board.cam-1]\nserial = "1"\n[board.cam_1]\nserial = "2"', "cam-1 and cam_1 are too much alike"),
        ('[board.a]\nserial = "1"\nlines = "devkti"', "board.a.lines: there is no control-line profile 'devkti'"),
        ('[board.a]\nserial = "1"\nbaud = "fast"', "board.a.baud: 'fast' is not a whole number"),
        ('[board.a]\nserial = "1"\nurl = "ftp://x"', "board.a.url: 'ftp://x' must be http"),
        ('[board.a]\nserial = "1"\npower = "on"', "board.a.power is nothing that switches power"),
        ('[board.a]\nserial = "1"\nnotes = 3', "board.a.notes is not a text"),
        ('[boards.a]\nserial = "1"', "has no setting 'boards', did you mean board"),
    ],
)
def test_a_mistake_in_the_bench_file_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "camrig.toml").write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        resolve({}, {}, tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.datetimes() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.sampled_from(
    [
        "24:6f:28:aa:10:c4",
        "24-6F-28-AA-10-C4",
        "sim",
        "sim:slow-chip",
        "all",
        "auto",
        "/dev/x",
        "id:1",
        "mac:1",
        "none",
    ]
)
ISSUE = st.dictionaries(st.sampled_from(["tests", "what", "until", "unti"]), VALUES | st.dates(), max_size=4)
TABLE = st.dictionaries(
    st.sampled_from(KEYS) | st.sampled_from(["wiffi", "access-point"]), VALUES | TEXTS | st.lists(ISSUE, max_size=2)
)
NAME = (
    st.text(string.ascii_letters + "-_0 é", max_size=4) | st.sampled_from(["sim", "all", "auto", "COM1"]) | st.text()
)


@given(st.dictionaries(NAME, TABLE | VALUES, max_size=3))
def test_any_tables_are_a_bench_or_one_sentence(tables):
    bench, sentence = {}, ""
    try:
        bench = parse_bench(tables, {})
    except SettingsError as error:
        sentence = str(error)
    assert len(sentence.splitlines()) == bool(sentence)
    assert len(sentence) < 900
    if sentence:
        return
    assert list(bench) == list(tables)
    devices = [entry.device for entry in bench.values() if not entry.device.startswith("sim")]
    assert len(devices) == len(set(devices))
    assert all(devices)
    assert all(isinstance(issue.until, datetime.date) for entry in bench.values() for issue in entry.known_issues)


@given(st.binary(min_size=6, max_size=6), st.sampled_from([":", "-", "", "."]), st.booleans())
def test_a_mac_in_every_spelling_is_the_same(octets, separator, upper):
    mac = octets.hex(":")
    text = mac.replace(":", separator)
    assert normal_mac(text.upper() if upper else text) == mac
    assert normal_mac(text[:-1]) == ""


def test_the_bench_of_the_page_and_of_the_example_are_valid(tmp_path):
    text = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
    config, wifi = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "camrig.toml").write_text(config)
    (tmp_path / "camrig.wifi.toml").write_text(wifi)
    settings = resolve({"device": ["all"]}, {}, tmp_path)
    assert settings.device == ("left", "right", "attic", "virtual")
    assert settings.of_board("right").wifi.ssid == "lab-2"
    assert [settings.of_board(spec).lines.name for spec in ("left", "right")] == ["esp32-cam-mb", "devkit"]
    assert resolve({"device": ["all"]}, {}, ROOT / "examples" / "bench").device == ("left", "right", "attic", "slow")
    for key in KEYS:
        assert f"`{key}" in text or f"{key} =" in text
