"""Which boards are quarantined: by a rate over runs, whatever the file says, and only as long as nobody clears it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
from camrig.errors import BlockedError
from camrig.lab import health_files, lock
from camrig.lab.health import (
    BAD,
    ENDS,
    FINE,
    JUDGED,
    KEPT,
    NOT_BACK,
    PORT_LOST,
    RECOVERED,
    TEXT,
    BoardHealth,
    Mark,
    RunEnd,
    as_text,
    parse,
)
from camrig.lab.usb_ports import lock_key
from camrig.settings.resolve import Settings
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.conftest import ROOT

PAGE = (ROOT / "docs" / "quarantine.md").read_text("utf-8")
AT = "2026-11-29 01:12:09"
RUN_ENDS = st.sampled_from(ENDS)


def run_end(end: str) -> RunEnd:
    return RunEnd(AT, "pytest tests", end, int(end == RECOVERED), "" if end == FINE else "why")


def after(*ends: str) -> BoardHealth:
    health = BoardHealth()
    for end in ends:
        health = health.after(run_end(end))
    return health


@given(st.lists(RUN_ENDS, max_size=40))
def test_three_bad_runs_of_the_last_ten_quarantine_a_board(ends):
    windows = [ends[max(0, end - JUDGED) : end] for end in range(1, len(ends) + 1)]
    expected = any(sum(end != FINE for end in window) >= BAD for window in windows)
    health = after(*ends)
    assert (health.quarantined is not None) == expected
    assert (health.wedged is not None) == (ends[-1:] == [NOT_BACK])
    assert [run.end for run in health.runs] == ends[-KEPT:]
    assert parse(as_text(health)) == health


def test_one_bad_night_quarantines_nothing():
    assert not after(*[FINE] * 9, NOT_BACK).quarantined
    assert not after(PORT_LOST, RECOVERED, *[FINE] * 8, PORT_LOST).quarantined  # the first is too long ago
    assert after(PORT_LOST, RECOVERED, *[FINE] * 7, PORT_LOST).quarantined


def test_the_first_reason_of_a_quarantine_stays():
    health = after(NOT_BACK, NOT_BACK, PORT_LOST)
    assert health.quarantined.reason == "3 of its last 3 runs were bad, the last: port lost (why)"
    assert health.after(run_end(NOT_BACK)).quarantined == health.quarantined


def test_the_count_begins_again_after_a_quarantine_is_cleared():
    cleared = after(NOT_BACK, NOT_BACK, NOT_BACK).cleared()
    assert (cleared.state, cleared.runs) == ("", ())
    assert not cleared.after(run_end(NOT_BACK)).after(run_end(NOT_BACK)).quarantined
    wedged = after(FINE, NOT_BACK).cleared()
    assert (wedged.state, len(wedged.runs)) == ("", 2)  # a wedged board has not got rid of its past


def first_quarantine(rate: float, runs: int) -> list[float]:
    """The probability that a board which fails with ``rate`` is quarantined in each of ``runs`` runs: exact."""
    windows: dict[tuple[str, ...], float] = {(): 1.0}
    first = []
    for _ in range(runs):
        after_run: dict[tuple[str, ...], float] = {}
        caught = 0.0
        for window, probability in windows.items():
            health = BoardHealth(runs=tuple(map(run_end, window)))
            for end, share in ((PORT_LOST, rate), (FINE, 1 - rate)):
                following = health.after(run_end(end))
                if following.quarantined:
                    caught += probability * share
                else:
                    ends = tuple(run.end for run in following.runs[-(JUDGED - 1) :])
                    after_run[ends] = after_run.get(ends, 0.0) + probability * share
        windows = after_run
        first.append(caught)
    return first


def within(first: list[float], share: float) -> int:
    """The runs within which that share of the boards is quarantined."""
    total = 0.0
    for number, probability in enumerate(first, 1):
        total += probability
        if total >= share:
            return number
    raise AssertionError("too few runs")


@pytest.mark.parametrize(("rate", "runs"), [(0.1, 200), (0.3, 30), (0.5, 15), (1, 5)])
def test_how_soon_the_page_says_a_bad_board_is_quarantined(rate, runs):
    first = first_quarantine(rate, runs)
    name = "every run" if rate == 1 else f"{100 * rate:.0f} %"
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| {name} |")]
    assert [row.split("|")[3].strip() for row in rows] == [f"{within(first, 0.5)} ({within(first, 0.9)})"]


def test_how_seldom_the_page_says_a_good_board_is_quarantined():
    share = sum(first_quarantine(0.01, 365))
    assert f"| 1 % of its runs | {100 * share:.1f} % |" in PAGE
    assert share < 0.02


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from([*ENDS, AT, "\n" * 400, "\ud800"])
)
CONTROLS = {*map(chr, range(32)), *map(chr, range(127, 160))}
ENTRIES = st.dictionaries(st.sampled_from(["at", "run", "end", "count", "reason", "by"]), VALUES, max_size=6)
FIELDS = st.fixed_dictionaries(
    {"name": VALUES, "mac": VALUES, "runs": VALUES | st.lists(VALUES | ENTRIES, max_size=4)}
    | dict.fromkeys(("wedged", "quarantined"), VALUES | ENTRIES)
)


@given(FIELDS.map(json.dumps) | VALUES.map(json.dumps) | st.text())
def test_no_content_of_a_file_hurts(text):
    health = parse(text)
    assert parse(as_text(health)) == health
    marks = [mark for mark in (health.wedged, health.quarantined) if mark is not None]
    texts = [health.name, health.mac, *(run.reason for run in health.runs), *(mark.reason for mark in marks)]
    assert len(health.runs) <= KEPT
    for shown in texts:
        assert len(shown) <= TEXT
        assert shown.encode() is not None  # it can be printed
        assert not CONTROLS & set(shown)
    assert health.after(run_end(FINE)).runs[-1].end == FINE


def test_deep_nesting_says_nothing_of_a_board():
    assert parse("[" * 100_000) == BoardHealth()


def test_a_damaged_quarantine_is_still_one():
    health = parse(json.dumps({"quarantined": {"at": 7, "by": "x"}}))
    assert health.quarantined == Mark("an unknown time", "", "no reason is known")


@pytest.fixture(autouse=True)
def runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "camrig"


def act(end: str) -> Callable[[BoardHealth], BoardHealth]:
    return lambda health: health.after(run_end(end))


def test_a_file_is_this_users_only_and_goes_when_it_says_nothing(runtime):
    health_files.change("usb-1", act(NOT_BACK), "/dev/ttyUSB0", "24:6f:28:aa:10:c4")
    (path,) = runtime.glob("*.health.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert health_files.listed() == [("usb-1", health_files.read("usb-1"))]
    assert health_files.read("usb-1").name == "/dev/ttyUSB0"
    path.write_bytes(b"\0" * (health_files.BYTES + 1))
    assert health_files.read("usb-1") == BoardHealth()
    health_files.change("usb-1", BoardHealth.cleared)
    assert not path.exists()


def test_the_health_of_a_pseudo_terminal_goes_with_it(runtime):
    controller, terminal = os.openpty()
    key = lock_key(os.ttyname(terminal))
    health_files.change(key, act(NOT_BACK))
    health_files.change("usb-1", act(NOT_BACK))
    assert len(health_files.listed()) == 2
    os.close(controller)
    os.close(terminal)
    health_files.change("usb-1", act(NOT_BACK))
    assert [name for name, _ in health_files.listed()] == ["usb-1"]


def test_a_full_file_is_still_read_back(runtime):
    health = BoardHealth(
        name="n" * TEXT, runs=tuple(RunEnd(AT, "é" * TEXT, PORT_LOST, 1, "\u2028" * 60) for _ in ENDS * 9)
    )
    assert len(health_files.change("k", lambda before: health).runs) == len(health.runs)
    assert health_files.read("k").runs


def test_a_board_is_known_by_its_mac_on_any_port(runtime):
    mac = "24:6f:28:aa:10:c4"
    health_files.change(f"mac-{mac}", lambda health: health.set_aside(AT, "by hand", "loose"), "/dev/ttyUSB0", mac)
    assert health_files.of_board("port-/dev/ttyUSB3")[1] == BoardHealth()
    with lock.held("port-/dev/ttyUSB3", "/dev/ttyUSB3") as taken:
        taken.remember("ESP32", mac, "1.26")
    assert health_files.of_board("port-/dev/ttyUSB3")[1].quarantined.reason == "loose"
    assert health_files.keys_of(f"mac:{mac.upper()}", Settings()) == [f"mac-{mac}"]
    assert health_files.keys_of("/dev/ttyUSB0", Settings())[0] == f"mac-{mac}".replace(
        ":", "_"
    )  # the name that it had


def test_the_board_that_is_made_for_a_run_has_no_record():
    with pytest.raises(BlockedError, match="is not used again"):
        health_files.keys_of("sim", Settings())


def test_the_health_of_a_board_that_is_gone_for_good_goes_with_its_lock(runtime):
    taken = lock.take("kept-1", "board")
    health_files.change("kept-1", act(NOT_BACK))
    taken.remove()
    assert health_files.listed() == []
