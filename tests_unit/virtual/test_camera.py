"""The virtual camera's pictures and its pace, and the faults that a check of pictures has to find."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import camrig.virtual
import pytest
from camrig.probe.jpeg import examine
from camrig.probe.picture_number import CLOCK_MS, NUMBERS, read_number

SOURCE = Path(camrig.virtual.__file__).parent / "board_side" / "jpeg.py"
PERIOD = 40


class Clock:
    """The clock of a board on which no time passes but in sleeps."""

    def __init__(self):
        self.now = 1_000_000

    def ticks_ms(self):
        return self.now

    def sleep_ms(self, ms):
        self.now += ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def faults():
    return {}


@pytest.fixture
def take(monkeypatch, clock, faults):
    """Take a picture of the virtual camera, outside a board."""
    monkeypatch.setitem(sys.modules, "fault_cells", SimpleNamespace(get=lambda name: faults.get(name, 0)))
    monkeypatch.setitem(sys.modules, "time", clock)
    spec = importlib.util.spec_from_file_location("virtual_jpeg", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sensor = module.Sensor()
    return lambda width=320, height=240: bytes(sensor.picture(width, height))


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (400, 296), (1280, 720), (1600, 1200)])
def test_every_size_is_a_whole_picture_with_a_number(take, size):
    jpeg = take(*size)
    assert (examine(jpeg).fault, examine(jpeg).width, examine(jpeg).height) == ("", *size)
    assert read_number(jpeg) is not None


def test_each_frame_is_handed_out_once_and_shows_when_it_was_taken(take, clock):
    taken = []
    for _ in range(30):
        shown = read_number(take())
        assert shown.number == clock.now // PERIOD % NUMBERS
        assert shown.clock_ms == clock.now // PERIOD * PERIOD % CLOCK_MS
        taken.append(shown.number)
    assert {later - earlier for earlier, later in pairwise(taken)} == {1}


def test_frames_are_skipped_while_nobody_takes_them(take, clock):
    first = read_number(take()).number
    clock.now += 10 * PERIOD
    assert read_number(take()).number == first + 10


def test_frozen_camera_shows_one_picture(take, faults):
    first = take()
    faults["camera_frozen"] = 1
    assert {take() for _ in range(5)} == {first}
    faults["camera_frozen"] = 0
    assert take() != first


@pytest.mark.parametrize("buffers", [1, 2, 8])
def test_stale_camera_shows_what_waited_in_its_buffers(take, faults, clock, buffers):
    faults["camera_buffers"] = buffers
    first = read_number(take()).number
    clock.now += 100 * PERIOD
    shown = [read_number(take()).number - first for _ in range(buffers + 1)]
    assert shown[:buffers] == list(range(1, buffers + 1))
    assert shown[buffers] >= 100
    faults["camera_buffers"] = 0
    take()
    assert read_number(take()).number == clock.now // PERIOD % NUMBERS


def test_cut_pictures_are_not_whole(take, faults):
    faults["camera_cut_ppm"] = 1_000_000
    assert "without its end marker" in examine(take()).fault


def test_one_picture_in_ten_is_late(take, faults, clock):
    faults["camera_late_ms"] = 5000
    times = []
    for _ in range(40):
        take()
        times.append(clock.now)
    late = [later - earlier for earlier, later in pairwise(times) if later - earlier > PERIOD]
    assert len(late) == 4
    assert min(late) >= 5000


def test_picture_that_was_changed_shows_no_wrong_number(take, clock):
    clock.now = 12345 * PERIOD
    jpeg = take(160, 120)
    number = read_number(jpeg).number
    for place in range(len(jpeg)):
        for value in (0x00, 0x0E, 0x1E, 0x20, 0xFF):
            changed = read_number(jpeg[:place] + bytes([value]) + jpeg[place + 1 :])
            assert changed is None or changed.number == number, (place, value)
        assert read_number(jpeg[:place]) in (None, read_number(jpeg))


def test_picture_of_other_greys_is_not_the_test_picture(take):
    jpeg = take(160, 120)
    assert read_number(jpeg.replace(b"\x1e  \x00", b"\x1e\x1e\x00\x00", 1)) is None
