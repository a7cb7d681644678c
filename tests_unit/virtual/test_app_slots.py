"""What the virtual boot loader starts: images are verified, and one on trial is rolled back."""

from __future__ import annotations

import os

import pytest
from camrig.errors import SettingsError
from camrig.virtual.app_image import build_app_image, verify_app_image
from camrig.virtual.app_slots import FAILED, NOT_FOUND, VALIDATE_FAILED, AppSlots
from hypothesis import given
from hypothesis import strategies as st

BANNER = "MicroPython v1.25.0 on 2025-04-15; linux [GCC 13.2.0] version"
FAULTS = ("guru@boot+0.5", "silent@boot", "heap-exhausted@4096@ready")


@pytest.fixture
def slots(tmp_path):
    opened = AppSlots(tmp_path / "slots", ota=True, blocks=512)
    opened.boot()
    opened.stock(BANNER)
    yield opened
    opened.close()


def write(slots, number, data):
    with slots.path.open("r+b") as file:
        file.seek(slots.apps[number].offset)
        file.write(data)


@given(st.integers(0, 9), st.lists(st.sampled_from(FAULTS), unique=True), st.binary(max_size=600))
def test_an_image_is_read_as_it_was_built(minor, faults, filling):
    data = build_app_image(f"v1.{minor}.0", "2026-03-07", faults=faults, filling=filling)
    image = verify_app_image(data + b"\xff" * 99)
    assert image is not None
    assert (image.length, image.title, image.faults) == (len(data), f"v1.{minor}.0 on 2026-03-07", tuple(faults))


@given(st.data())
def test_a_damaged_or_truncated_image_is_refused(data):
    image = bytearray(build_app_image("v1.26.0", filling=bytes(range(256))))
    at = data.draw(st.integers(0, len(image) - 1))
    assert verify_app_image(bytes(image[:at])) is None
    image[at] ^= data.draw(st.integers(1, 255))
    assert verify_app_image(bytes(image)) is None


def test_images_of_other_chips_and_unknown_faults_are_refused():
    assert verify_app_image(build_app_image("v1.26.0", chip=9)) is None
    with pytest.raises(SettingsError, match="no fault 'grable'"):
        build_app_image("v1.26.0", faults=["grable"])


@pytest.mark.parametrize("version", ["", "abc", "v1.2.3.4", "1"])
def test_a_version_unlike_micropythons_has_no_title(version):
    image = verify_app_image(build_app_image(version))
    assert image is not None
    assert image.title == ("1 on 2026-01-01" if version == "1" else "")


def test_an_empty_flash_is_stocked_with_the_interpreters_image(slots):
    assert slots.image is not None
    assert (slots.image.version, slots.image.date, slots.image.title) == ("v1.25.0", "2025-04-15", "")
    slots.boot()
    assert (slots.running, slots.boot_slot(), slots.mark_valid()) == (0, 0, FAILED)
    assert slots.set_boot(1) == VALIDATE_FAILED
    assert slots.set_boot(-1) != 0


@given(st.lists(st.sampled_from(["good", "bad", "set", "valid", "reset"]), max_size=25))
def test_the_boot_loader_ends_a_trial_that_was_not_confirmed(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("slots")
    slots = AppSlots(folder / "slots", ota=True, blocks=16)
    slots.boot()
    slots.stock(BANNER)
    good, running, confirmed, on_trial, chosen = [True, False], 0, 0, False, False
    for step in steps:
        spare = 1 - running
        if step in ("good", "bad"):
            write(slots, spare, build_app_image("v1.26.0") if step == "good" else b"\xe9 half an image")
            good[spare] = step == "good"
        elif step == "set" and not chosen:  # twice, it overwrites the record of the slot before
            result = slots.set_boot(spare)
            assert result == (0 if good[spare] else VALIDATE_FAILED)
            chosen = chosen or result == 0
        elif step == "valid" and not chosen:
            slots.mark_valid()
            if on_trial:
                confirmed, on_trial = running, False
        elif step == "reset":
            slots.boot()
            if chosen and not good[spare]:
                assert slots.running == running
                break  # the OTA data still names the slot that could not be started
            if chosen:
                running, on_trial = spare, True
            elif on_trial:
                running, on_trial = confirmed, False
            chosen = False
            assert slots.running == running
            assert slots.image is not None
        if on_trial and not good[confirmed]:
            break  # the image to fall back to was overwritten: the boot loader takes what it finds
    slots.close()


def test_a_slot_that_is_damaged_after_it_was_chosen_is_not_started(slots):
    write(slots, 1, build_app_image("v1.26.0"))
    assert slots.set_boot(1) == 0
    write(slots, 1, b"\xe9 damaged")
    assert slots.boot() == "E (76) boot: OTA app partition slot 1 is not bootable\r\n"
    assert slots.running == 0


def test_slots_outlive_the_board(slots):
    write(slots, 1, build_app_image("v1.26.0"))
    assert slots.set_boot(1) == 0
    again = AppSlots(slots.path, ota=True, blocks=512)
    again.boot()
    again.mark_valid()
    again.boot()
    again.stock(BANNER)
    assert (again.running, again.image.version) == (1, "v1.26.0")
    again.close()


def test_a_board_without_slots_has_one_place_for_firmware(tmp_path):
    slots = AppSlots(tmp_path / "slots", ota=False, blocks=512)
    slots.boot()
    slots.stock(BANNER)
    assert [app.name for app in slots.apps] == ["factory"]
    assert (slots.set_boot(0), slots.set_boot(1) != 0, slots.mark_valid()) == (0, True, NOT_FOUND)
    assert os.stat(slots.path).st_blocks * 512 < 65536  # mostly a hole
    slots.close()
