"""A board that goes down fails the test that runs, at once and by name, and is there again for the next."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.plugin.crash_suites import SUITE, WIFI, result, took


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("panic", "the firmware crashed (Guru Meditation Error: Core  1 panic'ed (LoadProhibited)"),
        ("watchdog", "Task watchdog got triggered"),
        ("reset", "the board restarted unexpectedly (SW_CPU_RESET)"),
        ("end", "main.py ended"),
    ],
)
def test_a_crash_fails_its_test_and_no_other(crash, tmp_path, kind, words):
    source = SUITE.format(kind=kind)
    if kind == "end":  # the answer is out before the application ends
        source = source.replace("    finally:", "        dut.crash_monitor.wait(10)\n    finally:")
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out
    assert words in ended.out
    assert "console of sim" in ended.out
    assert took(ended) < 10  # not the time-out of an exchange
    results = result(tmp_path)
    (board,) = results["boards"]
    assert [(rung["rung"], rung["ok"]) for rung in board["recovery"]] == [("Ctrl-C", True)]
    assert [(row["test"].rpartition("::")[2], row["between"]) for row in board["crashes"]] == [
        ("test_goes_down", False)
    ]
    assert results["tests"]["blocked"] == 0


def test_a_crash_ends_a_requests_call_at_once_too(crash):
    source = SUITE.format(kind="panic").replace('dut.request("GET", ', "http.get(").replace("down(dut)", "down(http)")
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out
    assert "the firmware crashed (Guru Meditation" in ended.out
    assert took(ended) < 10


def test_a_board_that_ignores_ctrl_c_is_recovered_by_its_power(crash, tmp_path):
    short = "from camrig.settings.resolve import Settings\nSettings.boots_in = property(lambda settings: 4.0)\n"
    ended = crash(short + SUITE.format(kind="deaf"))
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out
    (board,) = result(tmp_path)["boards"]
    *others, last = board["recovery"]
    assert (last["rung"], last["ok"]) == ("USB power", True)
    assert not any(rung["ok"] for rung in others)
    assert "control lines" not in [rung["rung"] for rung in others]  # a pseudo-terminal has none


def test_an_application_that_hangs_is_named_and_started_again(crash):
    source = (
        "import camrig.probe.lost_exchanges as lost\nlost.SECONDS_PER_EXCHANGE, lost.SECONDS_TO_RETURN = 2.0, 1.0\n"
        + SUITE.format(kind="silent")
    )
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out
    assert re.search(r"the application hangs: Ctrl-C found it at main\.py:\d+ in hang", ended.out)
    assert "  time.sleep(1)\n" in ended.out


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("hook", r"the application raised ValueError: no such page \(main\.py:\d+ in hook\)"),
        ("network", r"GET /down/network was lost \d times .* while (\d+) of \1 requests without CORS were answered"),
    ],
)
def test_an_application_that_raises_in_place_of_answering(crash, kind, words):
    ended = crash(SUITE.format(kind=kind))
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out
    assert "GET /down/" in ended.out
    assert re.search(words, ended.out)
    assert "test_suite.py:6: in test_goes_down" in ended.out


def test_a_crash_after_a_test_is_reported_and_fails_the_run(crash, tmp_path):
    source = """
import pytest
@pytest.fixture(scope="module", autouse=True)
def last(dut):
    yield
    dut.crash_monitor.wait(10)
def test_plants_it(dut):
    assert dut.request("GET", "/down/later").status == 200
"""
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 passed" in ended.out
    assert "test_plants_it had ended" in ended.out
    (board,) = result(tmp_path)["boards"]
    assert board["crashes"][0]["between"] is True
    assert [rung["ok"] for rung in board["recovery"]] == [True]


def test_a_crash_in_a_test_that_goes_on_is_not_a_pass(crash):
    source = """
import pytest
@pytest.mark.xfail
def test_swallows_it(dut):
    with pytest.raises(Exception):
        dut.request("GET", "/down/panic")
def test_next(dut):
    assert dut.request("GET", "/api/status").status == 200
"""
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out


@pytest.fixture
def never_serves_again(app):
    """The application ends without serving once it has crashed."""
    main = (Path(app) / "main.py").read_text()
    marked = main.replace('    if kind == "panic":', "    open('/broken', 'w').close()\n    if kind == \"panic\":")
    (Path(app) / "main.py").write_text(
        marked.replace("\n\nmain()", "\n\nimport os\nif 'broken' not in os.listdir('/'):\n    main()")
    )


@pytest.mark.usefixtures("never_serves_again")
def test_a_board_that_stays_broken_blocks_the_rest_with_the_first_cause(crash, tmp_path):
    source = SUITE.format(kind="panic") + "def test_third(dut, preflight):\n    preflight('https://a.example')\n"
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 failed, 1 blocked" in ended.out
    assert ended.out.count("did not come back") >= 1
    (cause,) = result(tmp_path)["blocked"]
    assert "Guru Meditation" in cause
    assert "main.py ended without serving" in cause


def test_an_expected_restart_does_not_count_as_a_crash(crash):
    source = """
def test_restarts(dut):
    before = dut.agent.about()["boot_id"]
    with dut.restart_expected():
        assert dut.request("GET", "/down/restart").status == 200
    assert dut.agent.about()["boot_id"] != before
"""
    ended = crash(source)
    assert ended.code == 0, ended.out


def test_a_port_that_goes_away_blocks(crash, tmp_path):
    source = f"""
import pathlib
def test_loses_it(dut):
    pathlib.Path({str(tmp_path / "now")!r}).touch()
    dut.request("GET", "/down/silent")
def test_next(dut):
    dut.request("GET", "/api/status")
"""
    config = VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    with VirtualBoard.start(config) as board:

        def unplug() -> None:
            until = Deadline.after(60)
            while not until.passed and not (tmp_path / "now").exists():
                time.sleep(0.05)
            board.close()

        hand = threading.Thread(target=unplug)
        hand.start()
        ended = crash(source, "--device", board.path, env=WIFI)
        hand.join(10)
    assert ended.code == 6, ended.out
    assert "2 blocked" in ended.out
    assert "the port was lost" in ended.out
    _, second = result(tmp_path)["blocked"]
    assert "and it did not come back" in second
    assert "the port was lost" in second


@pytest.mark.usefixtures("never_serves_again")
def test_a_fixture_that_fails_on_a_broken_board_blocks(crash):
    source = SUITE.format(kind="panic").partition("def test_next")[0]
    source += """
import pytest
@pytest.fixture
def connection(dut):
    dut.session.close()
    raise ConnectionRefusedError("the fixture's own words")
def test_next(connection):
    pass
"""
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "1 failed, 1 blocked" in ended.out
    assert "the fixture's own words" not in ended.out.partition("short test summary")[2]
