"""A real browser: what pages answer, what they ask the network for, and what is left when either is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.errors import BrowserError, PageError
from camrig.probe.browser.browser import Browser

from tests_unit import chromium

SECONDS = 60.0
OWNER = """
import sys, time
from pathlib import Path
from camrig.probe.browser.browser import Browser
with Browser(Path(sys.argv[1])) as browser:
    print(browser._process.supervisor.args[6], flush=True)
    time.sleep(600)
"""


def soon() -> Deadline:
    return Deadline.after(SECONDS)


def answer(connection, data):
    status = b"405 No" if data.startswith(b"OPTIONS") else b"200 OK"
    connection.sendall(
        b"HTTP/1.1 %s\r\nContent-Length: 2\r\nConnection: close\r\nX-Two: a\r\nx-two: b\r\n\r\nhi" % status
    )


def users(profile: str) -> set[int]:
    """The processes that have a profile folder on their command line, or in their environment."""
    pids = set()
    for path in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
        try:
            if profile.encode() in path.read_bytes():
                pids.add(int(path.parent.name))
        except OSError:
            continue
    return pids


def test_page_answers_values_promises_and_exceptions(browser, page):
    assert browser.version.startswith("Chrome/")
    assert page.evaluate("({a: [1, null, 'é']})", soon()) == {"a": [1, None, "é"]}
    assert page.evaluate("Promise.resolve(7)", soon()) == 7
    assert page.evaluate("undefined", soon()) is None
    assert page.evaluate_function("(a, b) => b + a", "</é\ud800", [2], deadline=soon()) == "2</é\ud800"
    with pytest.raises(PageError, match=r"a script on about:blank threw: TypeError: no"):
        page.evaluate("Promise.reject(TypeError('no\\nmore'))", soon())
    assert page.evaluate("1", soon()) == 1


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("(() => { for (;;); })()", "does not answer within 0.4 s"),
        ("new Promise(() => 0)", "does not answer within 0.4 s"),
        ("alert('stop')", "opened a dialog, 'stop'"),
        ("prompt('name')", "opened a dialog, 'name'"),
    ],
)
def test_page_that_blocks_is_one_sentence_and_others_go_on(browser, page, script, sentence):
    deadline = Deadline.after(0.4) if "within" in sentence else soon()
    with pytest.raises(PageError, match=f"the page about:blank {sentence}"):
        page.evaluate(script, deadline)
    with pytest.raises(PageError):
        page.evaluate("1", soon())
    fresh = browser.page("about:blank", soon())
    assert fresh.evaluate("1", soon()) == 1
    fresh.close()


def test_crash_of_a_page_is_one_sentence_and_others_go_on(browser, page):
    with pytest.raises(PageError, match="the page about:blank crashed"):
        page.call("Page.crash")
    fresh = browser.page("about:blank", soon())
    assert fresh.evaluate("1", soon()) == 1
    fresh.close()


def test_page_that_cannot_be_opened_is_one_sentence(browser, serving):
    host, port = serving(lambda connection, data: None)
    with pytest.raises(
        PageError, match=r"the browser cannot open http://.*: net::ERR_EMPTY_RESPONSE\. Is its server "
    ):
        browser.page(f"http://{host}:{port}/", soon())


def test_network_log_has_the_preflight_and_the_reason_of_the_browser(browser, serving):
    here = "http://{}:{}".format(*serving(answer))
    there = "http://{}:{}".format(*serving(answer))
    page = browser.page(f"{here}/page", soon())
    refused = f"{there}/put?cell=1#part"
    page.evaluate_function("u => fetch(u, {method: 'PUT'}).catch(String)", refused, deadline=soon())
    decision = page.decision(refused, soon())
    assert decision.reason == "PreflightMissingAllowOriginHeader"
    (preflight,) = decision.preflights
    assert (preflight.method, preflight.status) == ("OPTIONS", 405)
    assert ("Access-Control-Request-Method", "PUT") in preflight.sent
    assert preflight.received[-2:] == [("X-Two", "a"), ("x-two", "b")]
    own = f"{here}/own"
    assert page.evaluate_function("u => fetch(u).then(r => r.text())", own, deadline=soon()) == "hi"
    decision = page.decision(own, soon())
    assert (decision.reason, decision.failure, decision.answered) == ("", "", True)
    with pytest.raises(PageError, match=r"/never after 0\.1 s"):
        page.decision(f"{here}/never", Deadline.after(0.1))
    page.close()


def test_screenshot_shows_the_page_in_its_size(browser, page):
    page.resize(320, 200)
    page.prefer(prefers_color_scheme="dark")
    data = page.screenshot(soon())
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (320, 200)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches", soon()) is True


def test_permission_is_that_of_an_origin(browser, serving):
    here = "http://{}:{}".format(*serving(answer))
    page = browser.page(f"{here}/page", soon())
    state = "navigator.permissions.query({name: 'geolocation'}).then(status => status.state)"
    for setting in ("granted", "denied"):
        browser.set_permission("geolocation", setting, here)
        assert page.evaluate(state, soon()) == setting
    page.close()


def test_console_of_a_page_is_kept(page):
    page.evaluate("console.error('one', 2); setTimeout(() => { throw Error('three') }); 0", soon())
    page.evaluate("new Promise(resolve => setTimeout(resolve, 20))", soon())
    assert list(page.console) == ["error: one 2", "exception: Error: three"]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_owner_of_a_browser_ends(ending, tmp_path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, chromium.browser()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    with owner:
        assert owner.stdout is not None
        profile = owner.stdout.readline().decode().strip()
        assert len(users(profile)) > 4
        assert list(Path(profile).iterdir())
        owner.send_signal(ending)
        owner.wait(SECONDS)
    deadline = soon()
    while (users(profile) or Path(profile).exists()) and not deadline.passed:
        time.sleep(0.02)
    assert users(profile) == set()
    assert not Path(profile).exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_browser_that_is_killed_is_one_sentence_and_leaves_nothing():
    with Browser(chromium.browser()) as browser:
        profile = browser._process.supervisor.args[6]
        supervisor = browser._process.supervisor.pid
        page = browser.page("about:blank", soon())
        for pid in sorted(users(profile) - {supervisor}):  # the browser first, which cannot report the others then
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        with pytest.raises(BrowserError, match="is gone: it ended with signal 9"):
            page.evaluate("new Promise(() => 0)", soon())
        page.close()
        assert users(profile) == set()
        assert not Path(profile).exists()
