"""What follows ``labgrid:``, the coordinator's address, and the URL of a place's port."""

from __future__ import annotations

from contextlib import suppress

import pytest
from camrig.errors import PortError, SettingsError
from camrig.lab.device_spec import find_port
from camrig.lab.labgrid.lease import port_url
from camrig.lab.labgrid.place_spec import PlaceSpec, full_address, is_place, parse_place, place_key
from camrig.settings.resolve import resolve
from hypothesis import given
from hypothesis import strategies as st

TAG_NAMES = st.from_regex(r"[a-z][a-z0-9_]{1,9}", fullmatch=True)
TAG_VALUES = st.from_regex(r"[a-zA-Z0-9_.:/-]{1,9}", fullmatch=True)


@given(st.dictionaries(TAG_NAMES, TAG_VALUES, min_size=1, max_size=5), st.sampled_from("+,"))
def test_tags_are_read_in_any_number_and_order(tags, separator):
    words = separator.join(f"{name}={value}" for name, value in reversed(tags.items()))
    assert parse_place(f"labgrid:+{words}") == PlaceSpec(tags=tags)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,30}", fullmatch=True))
def test_a_name_is_taken_as_it_is(name):
    assert parse_place(f"labgrid:{name}") == PlaceSpec(name=name)


def test_a_reservation_is_named_by_its_token_or_not_at_all():
    assert parse_place("labgrid:+7KXQ2PH0AB") == PlaceSpec(token="7KXQ2PH0AB")
    assert parse_place("labgrid:+") == PlaceSpec()


BAD = {
    "labgrid:": "names no place",
    "labgrid: ": "names no place",
    "labgrid: a": "names no place",
    "labgrid:chip=esp32": r"names no place\. Did you mean labgrid:\+chip=esp32\?",
    "labgrid:+chip": "has 'chip', which is not a tag with a value",
    "labgrid:+chip=": "has 'chip=', which is not a tag",
    "labgrid:+=esp32": "has '=esp32', which is not a tag",
    "labgrid:+chip=esp32+": "has '', which is not a tag",
    "labgrid:+Chip=esp32": "has 'Chip=esp32', which is not a tag",
    "labgrid:+chip=a+chip=b": "asks for two values of the tag chip",
}


@pytest.mark.parametrize("spec", BAD)
def test_a_place_that_cannot_be_meant_is_one_sentence(spec):
    with pytest.raises(PortError, match=BAD[spec]):
        parse_place(spec)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text):
    with suppress(PortError):
        assert isinstance(parse_place(f"labgrid:{text}"), PlaceSpec)


def test_a_place_has_no_port_before_it_is_acquired():
    assert is_place("labgrid:x")
    with pytest.raises(PortError, match="has no port before it is acquired"):
        find_port("labgrid:x")


def test_what_an_address_lacks_is_as_labgrid_has_it():
    assert full_address("") == "127.0.0.1:20408"
    assert full_address("lab.example") == "lab.example:20408"
    assert full_address("lab:4000") == "lab:4000"
    assert full_address("[fe80::1]") == "[fe80::1]:20408"
    assert full_address("[fe80::1]:5") == "[fe80::1]:5"
    assert place_key("lab", "x") == place_key("lab:20408", "x") != place_key("lab", "y")


@pytest.mark.parametrize("address", ["lab", "lab:20408", "10.0.0.1:5", "[::1]:20408", "lab.example.org"])
def test_the_coordinator_is_taken_from_labgrids_own_variable(address, tmp_path):
    assert resolve({}, {"LG_COORDINATOR": address}, tmp_path).coordinator == address


@pytest.mark.parametrize(
    "address", ["ws://lab:1/ws", "lab:", "lab:x", "lab:70000", "a b", "lab/x", ":1", "user@lab:1", "-\n"]
)
def test_a_malformed_address_is_one_sentence(address, tmp_path):
    with pytest.raises(SettingsError, match=r"LG_COORDINATOR: .* is not HOST or HOST:PORT"):
        resolve({}, {"LG_COORDINATOR": address}, tmp_path)


PORT = {"host": "lab", "port": 4000, "protocol": "rfc2217", "path": "/dev/ttyUSB0"}


def test_the_url_of_a_port_says_how_it_is_reached():
    assert port_url(PORT) == "rfc2217://lab:4000"
    assert port_url({**PORT, "path": "/dev/pts/3"}) == "rfc2217://lab:4000?ign_set_control"
    assert port_url({**PORT, "host": "fe80::1"}) == "rfc2217://[fe80::1]:4000"
    assert port_url({**PORT, "protocol": "raw"}) == "socket://lab:4000"
