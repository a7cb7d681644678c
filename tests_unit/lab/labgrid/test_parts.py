"""The parts that need no laboratory: sentences, the exporter's file, labgrid's environment, the mark of a run."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest
from camrig.errors import CamrigError, LabError, LeaseLostError
from camrig.lab.labgrid import serve, setup
from camrig.lab.labgrid.connection import Connection
from camrig.lab.labgrid.environment import READY, find_environment, interpreter_of, own_folder
from camrig.lab.labgrid.exporter_file import OfferedBoard, exporter_file, place_name
from camrig.lab.labgrid.labgrid_side.mark import is_marked, own_mark, process_of
from camrig.lab.labgrid.sentences import loss, refusal
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from tests_unit.conftest import ROOT

SIDE = ROOT / "rig" / "camrig" / "lab" / "labgrid" / "labgrid_side"
FACTS = {
    "place": "cam",
    "places": ["cam-1", "cam-2"],
    "by": "lab2/bob",
    "since": 1_790_000_000.0,
    "tags": {"chip": "esp32"},
    "known": {"cam-1": {}},
    "holders": [{"place": "cam-1", "by": "", "since": 0, "reserved": "TOKEN"}],
    "token": "ABCD",
    "match": "hostc/cam/*",
    "exporter": "hostc",
    "resource": "NetworkSerialPort",
    "resources": ["good/NetworkPowerPort"],
    "details": "code 7",
    "seconds": 30.0,
}


def kinds() -> set[str]:
    """The reasons that labgrid's side gives."""
    text = "".join(path.read_text() for path in SIDE.glob("*.py"))
    return set(re.findall(r'(?:RefusedError\(|"kind": )"(\w+)"', text)) | {"foreign", "silent", "ended"}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_each_reason_has_a_sentence_of_its_own(kind):
    error = refusal({"kind": kind, **FACTS}, "lab:20408")
    assert "a way that camrig does not know" not in error.what or kind == "protocol"
    assert error.exit_code == 6
    assert error.hint
    assert re.search("cam|lab", error.what)


@given(st.dictionaries(st.sampled_from([*FACTS, "kind"]), st.text(max_size=5) | st.integers(), max_size=5))
def test_an_unknown_reason_is_a_sentence_too(facts):
    error = refusal({**facts, "kind": "something new"}, "lab:20408")
    assert isinstance(error, CamrigError)
    assert "camrig does not know" in str(error)


def test_who_holds_a_place_is_named_with_the_time():
    held = refusal({"kind": "held", **FACTS}, "")
    assert re.fullmatch(r"the labgrid place cam is held by bob on lab2 since 2026-09-2\d \d\d:\d\d:\d\d", held.what)
    own = refusal({"kind": "held", "process": 7, **FACTS}, "")
    assert "bob on lab2 for a run of camrig (process 7) since" in own.what
    elsewhere = refusal({"kind": "held", "process": -1, **FACTS}, "")
    assert "for a run of camrig since" in elsewhere.what


LOSSES = {
    "bob on lab2 took the labgrid place cam from this run at 2026-": {"by": "lab2/bob", "since": 1_790_000_000.0},
    "the labgrid place cam was released while this run had it": {"by": ""},
    "the labgrid place cam was deleted": {"by": "", "deleted": True},
    "the labgrid coordinator at lab:1 went away": {"away": True},
    "the labgrid coordinator at lab:1 was restarted": {"by": "", "restarted": True, "deleted": True},
    "eve on x took the labgrid place": {"by": "x/eve", "restarted": True},
}


@pytest.mark.parametrize("words", LOSSES)
def test_a_lost_lease_says_what_ended_it(words):
    error = loss({"event": "lost", **LOSSES[words]}, "cam", "lab:1")
    assert isinstance(error, LeaseLostError)
    assert error.what.startswith(words)


@given(
    st.lists(
        st.builds(
            OfferedBoard,
            name=st.from_regex(r"[A-Za-z0-9.-]{1,12}", fullmatch=True),
            kind=st.just("usb"),
            port=st.just("/dev/ttyUSB0"),
            usb_serial=st.text(st.characters(codec="utf-8"), max_size=12)
            | st.sampled_from(["{{x}}", "{% for %}", "{# x", "# x", "0001", "\n# for x", "{{{{"]),
        ),
        max_size=4,
        unique_by=lambda board: board.name,
    )
)
def test_the_exporter_reads_back_what_was_offered(boards):
    """labgrid renders the file as a template first, with these settings, and reads YAML then; JSON is part of it."""
    template = Environment(line_statement_prefix="#", line_comment_prefix="##").from_string(
        exporter_file(boards, 9600)
    )
    groups = json.loads(template.render())
    assert list(groups) == [board.name for board in boards]
    for board in boards:
        usb = {"USBSerialPort": {"match": {"ID_SERIAL_SHORT": board.usb_serial}, "speed": 9600}}
        raw = {"RawSerialPort": {"port": "/dev/ttyUSB0", "speed": 9600}}
        assert groups[board.name] == (usb if board.usb_serial else raw)


@given(st.text(max_size=20), st.text(max_size=20))
def test_places_have_names_that_labgrid_can_match_and_that_differ(first, second):
    names = [place_name("host-a", first, [])]
    names.append(place_name("host-a", second, names))
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"host-a[A-Za-z0-9.-]*", name) for name in names)


def test_the_mark_of_a_run_counts_for_as_long_as_it_lives():
    own = own_mark()
    pid, boot, machine = own.removeprefix("camrig/").split(".")
    assert process_of(["lab2/bob", own]) == int(pid) == os.getpid()
    assert process_of([f"camrig/4194399.{boot}.{machine}"]) == 0  # above the highest number of a process
    assert process_of([f"camrig/{pid}.00000000.{machine}"]) == 0  # before the machine was started again
    assert process_of([f"camrig/{pid}.{boot}.00000000"]) == -1
    assert process_of(["camrig/x", "lab2/bob"]) == 0
    assert is_marked(["lab2/bob", own])
    assert not is_marked(["lab2/bob"])


HEADS = {
    "#!/opt/labgrid/bin/python3\n# -*- coding: utf-8 -*-\n": "/opt/labgrid/bin/python3",
    "#!/usr/bin/env python3\nimport re\n": "python3",
    "#!/usr/bin/env -S python3 -E\n": "python3",
    "#!/usr/bin/python3 -I\n": "/usr/bin/python3",
    "#!/bin/sh\n'''exec' \"/a path/bin/python\" \"$0\" \"$@\"\n' '''\n": "/a path/bin/python",
    "#!/bin/sh\n'''exec' /long/bin/python3.11 \"$0\" \"$@\"\n": "/long/bin/python3.11",
    "#!/bin/bash\nexec docker run labgrid\n": "",
    "#!/bin/sh\nexec x\n": "",
    "\x7fELF": "",
    "#!\n": "",
    '#!"\n': "",
}


@pytest.mark.parametrize("head", HEADS)
def test_the_python_behind_a_client_is_read_from_its_first_lines(head):
    assert interpreter_of(head) == HEADS[head]


@given(st.text(max_size=80))
def test_no_program_breaks_that(text):
    assert isinstance(interpreter_of(f"#!{text}"), str)


@pytest.fixture
def no_labgrid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without labgrid, and a folder on the path."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CAMRIG_LABGRID_CLIENT", raising=False)
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_without_labgrid_a_place_is_one_sentence(no_labgrid, command):
    env = {"XDG_DATA_HOME": str(no_labgrid), "PATH": str(no_labgrid)}
    ended = command("deploy", "--device", "labgrid:x", env=env)
    assert ended.code == 6
    assert ended.out.endswith("camrig: labgrid:x: labgrid is not installed. Run: camrig lab setup.\n")


def test_an_own_environment_comes_before_a_client_on_the_path(no_labgrid, monkeypatch):
    python = program(no_labgrid / "python3", "")
    client = program(no_labgrid / "labgrid-client", f"#!{python}\n")
    assert find_environment().python == str(python)
    own = program(own_folder() / "bin" / "python", "")
    assert find_environment().python == str(python)  # a setup that did not end is none
    (own_folder() / READY).write_text("")
    assert find_environment().python == str(own)
    monkeypatch.setenv("CAMRIG_LABGRID_CLIENT", str(client))
    assert find_environment().python == str(python)
    monkeypatch.setenv("CAMRIG_LABGRID_CLIENT", "nothing")
    with pytest.raises(LabError, match="there is no program nothing, which CAMRIG_LABGRID_CLIENT names"):
        find_environment()


def test_a_client_that_is_not_python_is_one_sentence(no_labgrid):
    program(no_labgrid / "labgrid-client", "#!/bin/sh\nexec ssh lab labgrid-client\n")
    with pytest.raises(LabError, match="is not a Python program"):
        find_environment()


def test_a_labgrid_that_is_too_old_is_one_sentence(no_labgrid):
    """The Python of these tests has no labgrid at all."""
    program(no_labgrid / "labgrid-client", f"#!{sys.executable}\n")
    with pytest.raises(LabError, match="the installed labgrid is older than 24, or incomplete") as error:
        Connection("127.0.0.1:1")
    assert "No module named" in error.value.details


def test_a_python_that_is_gone_is_one_sentence(no_labgrid):
    program(no_labgrid / "python3", "#!/nowhere/python\n")
    program(no_labgrid / "labgrid-client", "#!/usr/bin/env python3\n")
    with pytest.raises(LabError, match="cannot be started"):
        Connection("127.0.0.1:1")


def test_a_setup_that_fails_leaves_nothing(no_labgrid, monkeypatch):
    monkeypatch.setattr(
        setup.sys, "executable", str(program(no_labgrid / "bad", "#!/bin/sh\necho no ensurepip\nexit 1"))
    )
    lines: list[str] = []
    with pytest.raises(LabError, match="could not make the environment: no ensurepip"):
        setup.set_up(lines.append)
    assert "installing labgrid==" in lines[0]
    assert not own_folder().exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(no_labgrid):
    (no_labgrid / "data").write_text("")
    with pytest.raises(LabError, match=r"data.* cannot be written \(Not a directory\)\. Set XDG_DATA_HOME"):
        setup.set_up(lambda line: None)


def test_a_setup_that_was_done_does_nothing(no_labgrid):
    (own_folder() / "bin").mkdir(parents=True)
    (own_folder() / READY).write_text(setup._state())
    lines: list[str] = []
    assert setup.set_up(lines.append) == own_folder()
    assert lines == []


def test_the_last_error_of_pip_is_the_reason():
    output = "WARNING: x\nERROR: Could not find a version\nERROR: No matching distribution found for labgrid==1.\n\n"
    assert setup.last_error(output) == "No matching distribution found for labgrid==1"
    assert setup.last_error("Traceback\nOSError: full\n") == "OSError: full"
    assert setup.last_error("") == "it printed nothing"


def versions(path: Path) -> dict[str, set[str]]:
    pinned: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w-]+)==([^\s;]+)", path.read_text(), re.MULTILINE):
        pinned.setdefault(name.lower(), set()).add(version)
    return pinned


def test_versions_in_both_environments_are_the_same():
    """Who installs both with one set of constraints, as pip may be configured, gets them."""
    own, common = versions(setup.CONSTRAINTS), versions(ROOT / "constraints.txt")
    assert {name: own[name] for name in own.keys() & common.keys()} == {
        name: common[name] for name in own.keys() & common.keys()
    }
    assert own.keys() & common.keys() > {"requests", "jinja2"}
    assert "pyserial" not in own


OFFERS = {
    ("--device", "sim"): "sim is not a port of this host. Offer virtual boards with --virtual N",
    ("--device", "labgrid:x"): "labgrid:x is not below /dev",
    ("--device", "socket://lab:1"): "socket://lab:1 is not below /dev",
    ("--virtual", "65"): "--virtual: 65 is not between 0 and 64",
    ("--virtual", "1", "--name", "a b"): "--name: 'a b' is not a name",
    ("--virtual", "1", "--tag", "a=B"): "--tag: 'a=B' is not KEY=VALUE",
}


@pytest.mark.parametrize("words", OFFERS)
def test_what_cannot_be_offered_is_one_sentence(words, command, monkeypatch):
    monkeypatch.setattr(serve, "_demand_ser2net", lambda: None)
    ended = command("lab", "serve", *words)
    assert ended.code in (4, 6)
    assert ended.out.startswith(f"camrig: {OFFERS[words]}"), ended.out


def test_a_host_without_ser2net_is_one_sentence(no_labgrid, monkeypatch, command):
    monkeypatch.setattr(serve.os.path, "isfile", lambda path: False)
    ended = command("lab", "serve", "--virtual", "1", env={"PATH": str(no_labgrid)})
    assert ended.code == 6
    assert ended.out.startswith("camrig: ser2net is not installed, with which labgrid's exporter serves ports.")
