"""What is not a browser, or one that ends, hangs or is old: one sentence in time, and nothing left running."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.errors import EXIT_BLOCKED, BrowserError
from camrig.probe.browser.browser import Browser

Program = Callable[[str], Path]

# Answers the requests that come through descriptor 3; "answer" is defined by each test.
PEER = """
import json, os, sys, time
data = b""
while True:
    chunk = os.read(3, 65536)
    if not chunk:
        sys.exit(0)
    *messages, data = (data + chunk).split(b"\\0")
    for message in map(json.loads, messages):
        def reply(**fields):
            os.write(4, json.dumps({"id": message["id"], **fields}).encode() + b"\\0")
        if message["method"] == "Browser.getVersion":
            reply(result={"product": "HeadlessPeer/7"})
        else:
"""


def remains() -> list[str]:
    """Profile folders of this process, and processes that have one on their command line."""
    folder = f"{tempfile.gettempdir()}/camrig-{os.getpid()}-"
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if folder in line:
            processes.append(line.replace("\0", " "))
    return processes + [str(path) for path in Path(tempfile.gettempdir()).glob(f"camrig-{os.getpid()}-*")]


@pytest.fixture(autouse=True)
def nothing_left():
    before = remains()
    yield
    assert remains() == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is gone: it ended with exit code 0. Install Chromium"),
        ("import sys\nprint('no display', file=sys.stderr)\nsys.exit(3)", "exit code 3 after printing 'no display'"),
        ("import os\nos.kill(os.getpid(), 9)", "is gone: it ended with signal 9"),
        ("import os\nos.close(3)\nos.close(4)\nimport time\ntime.sleep(60)", "is gone: it closed its debugging pipe"),
        (
            "import os, time\nos.write(4, b'hello\\0')\ntime.sleep(60)",
            "does not speak the DevTools protocol: it sends 'hello'",
        ),
        ("import os, time\nos.write(4, b'[1]\\0')\ntime.sleep(60)", "it sends '[1]'"),
        ("import os, time\nos.write(4, b'[' * 60000 + b'\\0')\ntime.sleep(60)", "it sends '[[[["),
    ],
    ids=["ends", "prints", "killed", "closes", "text", "list", "nested"],
)
def test_program_that_is_not_a_browser_is_one_sentence(program: Program, text, sentence):
    with pytest.raises(BrowserError) as caught, Browser(program(text)):
        pytest.fail("it started")
    assert sentence in str(caught.value)
    assert caught.value.exit_code == EXIT_BLOCKED


def test_endless_output_is_cut(program: Program, monkeypatch):
    monkeypatch.setattr("camrig.probe.browser.pipe.MOST_BYTES", 1 << 16)
    path = program("import os\nwhile True:\n    os.write(4, b'x' * 4096)\n    os.write(2, b'y' * 4096)")
    with pytest.raises(BrowserError, match="does not speak the DevTools protocol: it sends 'xxxx"), Browser(path):
        pytest.fail("it started")


def test_file_that_cannot_be_executed_is_one_sentence(tmp_path):
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF of another computer")
    path.chmod(0o755)
    with pytest.raises(BrowserError, match=r"is gone: it cannot be started: \w+"), Browser(path):
        pytest.fail("it started")


def test_silent_browser_is_given_up_at_the_deadline(program: Program):
    start = time.monotonic()
    with (
        pytest.raises(BrowserError, match=r"does not answer Browser.getVersion within 0.2 s"),
        Browser(program("import signal\nsignal.pause()"), seconds=0.2),
    ):
        pytest.fail("it started")
    assert time.monotonic() - start < 20


def test_children_end_with_a_browser_that_left_them(program: Program):
    text = (
        "import os, subprocess, sys\n"
        "sleep = [sys.executable, '-ISc', 'import time; time.sleep(600)']\n"
        "subprocess.Popen([*sleep, *sys.argv], start_new_session=True)"
    )
    with pytest.raises(BrowserError, match="exit code 0"), Browser(program(text)):
        pytest.fail("it started")


def test_browser_without_a_method_is_too_old(program: Program):
    path = program(PEER + """            reply(error={"code": -32601, "message": "'X.y' wasn't found"})""")
    with Browser(path) as browser:
        assert browser.version == "Peer/7"
        with pytest.raises(BrowserError, match=r"is too old: it answers \"'X\.y' wasn't found\""):
            browser.page("http://localhost/", Deadline.after(30))
        assert browser.ended
        with pytest.raises(BrowserError, match="is not running"):
            browser.call("Browser.getVersion")


def test_browser_that_does_not_read_is_given_up(program: Program):
    with Browser(program(PEER + "            time.sleep(600)")) as browser:
        deadline = Deadline.after(0.3)
        browser.send("Some.thing", {}, None, deadline)
        with pytest.raises(BrowserError, match=r"does not read Some\.thing within 0\.3 s"):
            browser.send("Some.thing", {"text": "x" * (1 << 20)}, None, deadline)


def test_refused_request_leaves_the_browser_running(program: Program):
    path = program(PEER + """            reply(error={"code": -32000, "message": "No such thing"})""")
    with Browser(path) as browser:
        with pytest.raises(BrowserError, match="refuses a request: No such thing"):
            browser.call("Target.createTarget")
        assert not browser.ended
        assert browser.call("Browser.getVersion") == {"product": "HeadlessPeer/7"}
