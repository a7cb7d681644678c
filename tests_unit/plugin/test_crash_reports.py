"""What a report shows of a board that went down, or that printed what went wrong."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree

from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.plugin.crash_suites import SUITE, WIFI


def test_a_crash_is_shown_with_its_lines_and_its_backtrace(crash):
    ended = crash(SUITE.format(kind="chatter"))
    assert ended.code == 1, ended.out
    assert "1 failed, 1 passed" in ended.out
    assert "test_suite.py:6: in test_goes_down" in ended.out
    for words in ("frame 199 sent", "PC      : 0x400d1234", "backtrace of sim", "0x400d1231 0x400d5675 0x400d9999"):
        assert words in ended.out
    assert "give the firmware's ELF file with --hil-elf" in ended.out
    assert "frame 100 sent" not in ended.out


def test_a_backtrace_names_function_and_line(crash, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    tool = tools / "xtensa-esp32-elf-addr2line"
    tool.write_text('#!/bin/sh\nshift 3\nfor a in "$@"; do echo "$a: esp_camera_fb_get at camera.c:381"; done\n')
    tool.chmod(0o755)
    elf = tmp_path / "micropython.elf"
    elf.write_bytes(b"\x7fELF" + bytes(14) + b"\x5e\x00" + bytes(32))
    path = f"{tools}:{os.environ['PATH']}"
    ended = crash(SUITE.format(kind="panic"), "--hil-elf", str(elf), env={"PATH": path})
    assert ended.code == 1, ended.out
    assert "0x400d5675: esp_camera_fb_get at camera.c:381" in ended.out


def test_lost_power_blocks(crash, tmp_path):
    xml = tmp_path / "junit.xml"
    ended = crash(SUITE.format(kind="brownout"), "--junitxml", str(xml))
    assert ended.code == 6, ended.out
    assert "1 passed, 1 blocked" in ended.out
    assert "Brownout detector was triggered" in ended.out
    assert "Check its power supply" in ended.out
    suite = ElementTree.parse(xml).getroot().find("testsuite")
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")
    first, second = suite.findall("testcase")
    assert first.find("failure") is None
    assert first.find("error").get("message").startswith("blocked: sim: ")
    properties = {entry.get("name"): entry.get("value") for entry in second.iter("property")}
    assert properties.keys() == {"board", "firmware", "virtual", "pictures"}
    assert properties["virtual"] == "true"


def test_a_handled_exception_is_shown_and_is_not_a_crash(crash):
    source = """
def test_passes(dut):
    assert dut.request("GET", "/down/raise").status == 500
def test_fails(dut):
    assert dut.request("GET", "/down/raise").status == 200
def test_fails_too(dut):
    assert dut.request("GET", "/api/status").status == 404
"""
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "2 failed, 1 passed" in ended.out
    assert "ValueError: no such lens" in ended.out
    assert "recover" not in ended.out
    last = ended.out.split("console of sim")[-1]
    assert "--- test_fails_too ---" in last
    assert "no such lens" not in last.split("--- test_fails_too ---")[1].split("short test summary")[0]


def test_each_board_shows_its_own_console(crash):
    source = """
def test_fails(dut):
    dut.request("GET", "/down/raise")
    assert False
"""
    config = VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    with VirtualBoard.start(config) as left, VirtualBoard.start(config) as right:
        ended = crash(source, "--device", left.path, "--device", right.path, env=WIFI)
        assert ended.code == 1, ended.out
        assert "2 failed" in ended.out
        _, first, second = re.split(r"-+ console of (?=/)", ended.out)
        assert first.startswith(left.path)
        assert left.address in first
        assert right.address not in first.partition("_____")[0]
        assert second.startswith(right.path)
        assert right.address in second


def test_an_unhandled_task_exception_is_shown_beside_the_failure(crash):
    source = """
from camrig.board.events import TaskFailed
from camrig.deadline import Deadline
def test_fails(dut):
    seen = dut.console.seen
    dut.request("GET", "/down/task")
    found = dut.console.wait(lambda e: e if isinstance(e, TaskFailed) else None, seen, Deadline.after(10))
    assert found.error.startswith("OSError")
    assert found.where.startswith("main.py:")
    assert not dut.crash_monitor.crash
    assert False, "as planned"
"""
    ended = crash(source)
    assert ended.code == 1, ended.out
    assert "as planned" in ended.out
    assert "Task exception wasn't retrieved" in ended.out
